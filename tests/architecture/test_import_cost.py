"""What ``import descend`` and ``descend --help`` load, and how long that takes."""

import statistics
import subprocess
import sys
import time

HEAVY = ("sklearn", "scipy", "polars", "pandas", "torch", "PIL", "matplotlib", "rich", "typer", "safetensors")


def _run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _loaded_after(code: str) -> set[str]:
    text = _run(f"import sys\n{code}\nprint(' '.join(sorted({{m.split('.')[0] for m in sys.modules}})))")
    return set(text.split())


def test_importing_descend_loads_nothing_heavy():
    assert _loaded_after("import descend").isdisjoint(HEAVY)


def test_declaring_a_network_loads_nothing_heavy():
    code = "import descend; descend.Network([descend.Dense(1)], descend.SquaredError()); descend.SGD()"
    assert _loaded_after(code).isdisjoint(HEAVY)


def test_training_on_arrays_loads_no_table_library():
    code = (
        "import descend, numpy as np\n"
        "net = descend.Network([descend.Dense(1)], descend.SquaredError())\n"
        "descend.train(net, np.ones((4, 1)), np.ones(4), optimizer=descend.SGD(0.1))"
    )
    assert _loaded_after(code).isdisjoint(set(HEAVY) - {"scipy"})


def _seconds(arguments: list[str]) -> float:
    """Median of nine runs. The limits below are three times the goals, for machines are noisy."""
    times = []
    for _ in range(9):
        start = time.perf_counter()
        subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def test_import_is_quick():
    assert _seconds(["-c", "import descend"]) - _seconds(["-c", "pass"]) < 0.75


def test_help_is_quick():
    code = "import sys; sys.argv = ['descend', '--help']; from descend.cli import main; main()"
    assert _seconds(["-c", code]) < 1.2
