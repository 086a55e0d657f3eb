"""The commands and their options. Each body imports what it needs, so that ``--help`` stays quick."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

_DEBUG = "--debug, anywhere on the line, shows where in the code an error arose."

app = typer.Typer(
    epilog=_DEBUG,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Train linear, logistic and softmax regression and multilayer perceptrons on your own data.",
)

Data = Annotated[
    str,
    typer.Argument(
        metavar="DATA",
        help="A file (.csv .tsv .csv.gz .parquet), a folder of IDX files, a folder with one subfolder of "
        "images per class, or a built-in name: houses, digits, diabetes, breast_cancer, iris, wine, "
        "synthetic.",
    ),
]
ModelPath = Annotated[str, typer.Argument(metavar="MODEL", help="A model file or a run's folder.")]


def _version(wanted: bool) -> None:
    if wanted:
        from descend import __version__

        typer.echo(f"descend {__version__}")
        raise typer.Exit


@app.callback()
def descend(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Train the networks deep learning begins with, on your own tables and images."""


@app.command(epilog=_DEBUG)
def fit(
    data: Data,
    target: Annotated[str | None, typer.Option(help="Column to predict.", metavar="COLUMN")] = None,
    task: Annotated[str, typer.Option(help="auto, regression or classification.")] = "auto",
    hidden: Annotated[
        str, typer.Option(help="Units of the hidden layers, for example 256,128.", metavar="UNITS")
    ] = "",
    activation: Annotated[
        str, typer.Option(help="Of hidden layers: relu, tanh, sigmoid, hard_sigmoid, gelu or gelu_tanh.")
    ] = "relu",
    dropout: Annotated[float, typer.Option(help="Rate after each hidden layer.")] = 0.0,
    loss: Annotated[
        str,
        typer.Option(help="auto, squared_error, absolute_error, huber, quantile, poisson or cross_entropy."),
    ] = "auto",
    quantile: Annotated[
        float | None,
        typer.Option(help="Level of --loss quantile. Default: 0.5, the median.", metavar="LEVEL"),
    ] = None,
    optimizer: Annotated[str, typer.Option(help="sgd, rmsprop, adam or adamw.")] = "adam",
    lr: Annotated[
        float | None,
        typer.Option(help="Learning rate at the start. Default: by the optimizer.", metavar="RATE"),
    ] = None,
    schedule: Annotated[str, typer.Option(help="Of the rate: cosine or constant.")] = "cosine",
    weight_decay: Annotated[
        float | None, typer.Option(help="Default: the optimizer's own.", metavar="RATE")
    ] = None,
    clip_norm: Annotated[
        float | None, typer.Option(help="Largest norm of a step's gradient. Default: none.", metavar="NORM")
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(help="Rows per step. Default: 32 to 256, by the table.", metavar="N")
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option(help="How often every row is read. Default: 10, or 3000 steps' worth.", metavar="N"),
    ] = None,
    engine: Annotated[
        str,
        typer.Option(
            help="native, reference, pytorch, or auto: native where it can be used, else reference."
        ),
    ] = "auto",
    threads: Annotated[int | None, typer.Option(help="Default: all usable cores.", metavar="N")] = None,
    dtype: Annotated[str, typer.Option(help="float32 or float64.")] = "float32",
    seed: Annotated[int, typer.Option(help="Of split, weights, order and dropout.", metavar="N")] = 0,
    ignore: Annotated[
        list[str] | None, typer.Option(help="Column to leave out; may be repeated.", metavar="COLUMN")
    ] = None,
    image_size: Annotated[
        str, typer.Option(help="Of a folder's images: 64 or 48x64, height first.", metavar="SIZE")
    ] = "",
    out: Annotated[
        Path | None, typer.Option(help="Folder for the results. Default: runs/NAME.", metavar="DIR")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the folder --out names.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing.")] = False,
) -> None:
    """Fit a model: read, split, encode, train, evaluate, save."""
    from descend.cli.fit import fit_command
    from descend.cli.lists import sides, units
    from descend.options import Options

    options = Options(
        task=task, hidden=units(hidden), activation=activation, dropout=dropout, loss=loss,
        quantile=quantile, optimizer=optimizer, lr=lr, schedule=schedule, weight_decay=weight_decay,
        clip_norm=clip_norm, batch_size=batch_size, epochs=epochs, engine=engine, threads=threads,
        dtype=dtype, seed=seed, ignore=tuple(ignore or ()), image_size=sides(image_size),
    )  # fmt: skip
    fit_command(data, target, options, out, overwrite, quiet)


@app.command(epilog=_DEBUG)
def predict(
    model: ModelPath,
    data: Data,
    out: Annotated[
        Path | None, typer.Option(help="CSV file. Default: standard output.", metavar="FILE")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file --out names.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No notes on standard error.")] = False,
) -> None:
    """Predict every row of a table or folder, as CSV."""
    from descend.cli.predict import predict_command

    predict_command(model, data, out, overwrite, quiet)


@app.command(epilog=_DEBUG)
def evaluate(
    model: ModelPath,
    data: Data,
    rows: Annotated[
        str, typer.Option(help="all, train, validation or test. Default: all three parts of its own table.")
    ] = "",
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Compare a model's predictions with the truth."""
    from descend.cli.evaluate import evaluate_command

    evaluate_command(model, data, rows, json)


@app.command(epilog=_DEBUG)
def doctor(json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Show the machine and its engines, and whether they agree."""
    from descend.cli.doctor import doctor_command

    doctor_command(json)


@app.command()
def bench(
    only: Annotated[
        str,
        typer.Option(
            help="softmax-256, softmax-32, mlp-256, mlp-32, linear-10, mlp-predict; default: all.",
            metavar="NAMES",
        ),
    ] = "",
    peers: Annotated[
        str,
        typer.Option(
            help="pytorch, book, jax, scikit-learn, or none; default: all that are installed.",
            metavar="NAMES",
        ),
    ] = "",
    pairs: Annotated[int, typer.Option(help="How often each one is timed, in turns.", metavar="N")] = 5,
    threads: Annotated[int | None, typer.Option(help="Default: all usable cores.", metavar="N")] = None,
    data: Annotated[
        Path | None,
        typer.Option(help="Folder of MNIST's IDX files. Default: generated images.", metavar="DIR"),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for a bar chart (PNG, SVG) and the figures as JSON.", metavar="DIR"),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace such files in --out.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Time descend beside PyTorch, JAX and scikit-learn."""
    from descend.bench import Settings
    from descend.cli.bench import bench_command
    from descend.cli.lists import names

    bench_command(Settings(names(only), names(peers), pairs, threads, data), json, out, overwrite)
