"""The model file: weights as safetensors, everything else as JSON in its header. Nothing is unpickled.

Header entries: ``format`` (this module's version), ``descend`` (JSON: network, classes, encoder, target,
input_scale, engine, about) and ``sha256`` over that JSON and every tensor, so that a damaged file is told
from a whole one. A checksum can be made again, so the description is not believed: what is large is compared
with the weights before it is built, and the model that is built must describe itself with the same text.
"""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from descend.errors import DescendError, ModelFileError, OptionError
from descend.models.classes import classes_from_json, classes_to_json
from descend.models.description import network_from_json, network_to_json
from descend.models.model import Model
from descend.models.safetensors_bytes import to_bytes
from descend.writing.whole import replace_file

FORMAT = 2
_HEADER = {"format", "descend", "sha256"}
_MOST_REASON = 200  # letters of a message that may quote the file
FILE_NAME = "model.safetensors"
_SIZE_OF_LENGTH = 8  # safetensors begins with the header's length, little-endian
_LARGEST_HEADER = 100_000_000  # what safetensors itself accepts


def save_model(model: Model, path: Path) -> None:
    """Writes ``model`` to ``path``, whole or not at all.

    Raises
    ------
    OutputError : it cannot be written there.
    OptionError : as ``model_bytes``.
    """
    replace_file(path, model_bytes(model))


def model_bytes(model: Model) -> bytes:
    """What ``save_model`` writes; the same for equal models.

    Raises
    ------
    OptionError : ``about`` holds something else than JSON does, or text that is no Unicode.
    """
    described = _written(model)
    tensors = model.parameters
    header = {"format": str(FORMAT), "descend": described, "sha256": _digest(described, tensors)}
    return to_bytes(tensors, header)


def load(path: str | os.PathLike[str]) -> Model:
    """The model in a model file or a run folder.

    Raises
    ------
    ModelFileError : there is none, it is damaged, no model, or of another format.
    """
    file = _find(Path(path))
    header, tensors = _read(file)
    if "descend" not in header:
        raise ModelFileError(f"{file}: weights without a description; not a model that descend saved")
    _check_format(file, header.get("format", "unknown"))
    if set(header) != _HEADER or _digest(header["descend"], tensors) != header.get("sha256"):
        raise ModelFileError(
            f"{file}: its contents do not match its checksum; the file was altered or damaged"
        )
    try:
        model = _build(json.loads(header["descend"]), tensors)
        if _written(model) != header["descend"]:
            raise ModelFileError("its description is not as descend writes it")
    except DescendError as error:
        raise ModelFileError(f"{file}: {_one_line(str(error))}") from None
    except (LookupError, TypeError, ValueError, ArithmeticError, AttributeError, RecursionError) as error:
        reason = _one_line(str(error)) or type(error).__name__
        raise ModelFileError(f"{file}: its description cannot be read ({reason})") from None
    return model


def _check_format(file: Path, version: str) -> None:
    if version == str(FORMAT):
        return
    if version.isascii() and version.isdecimal() and len(version) < 10 and 0 < int(version) < FORMAT:
        raise ModelFileError(f"{file}: written by an earlier descend (format {version}); train again")
    shown = _one_line(repr(version))
    raise ModelFileError(f"{file}: format {shown}; this version reads {FORMAT}: install a newer descend")


def _one_line(text: str) -> str:
    """What may quote the file, so that a terminal shows it as one short line."""
    shown = "".join(each if each.isprintable() else "?" for each in text[:_MOST_REASON])
    return shown + (" …" if len(text) > _MOST_REASON else "")


def _find(path: Path) -> Path:
    try:
        found, folder = path.exists(), path.is_dir()
    except OSError as error:
        raise ModelFileError(f"{path}: {error.strerror}") from None
    if folder:
        inside = path / FILE_NAME
        if not inside.is_file():
            raise ModelFileError(f"{path}: the folder has no {FILE_NAME}")
        return inside
    if not found:
        raise ModelFileError(f"{path}: no such model file or run folder")
    return path


def _read(file: Path) -> tuple[dict[str, str], dict[str, NDArray[Any]]]:
    from safetensors import SafetensorError, safe_open

    _refuse_foreign(file)
    try:
        with safe_open(file, framework="numpy") as opened:
            header = opened.metadata() or {}
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError, TypeError) as error:
        raise ModelFileError(f"{file}: not a whole safetensors file ({error})") from None
    return header, tensors


def _refuse_foreign(file: Path) -> None:
    """Says what a file is that cannot be a model, before any library looks at it."""
    if not file.is_file():
        raise ModelFileError(f"{file}: not a regular file")
    try:
        with file.open("rb") as opened:
            start = opened.read(_SIZE_OF_LENGTH + 1)
        zipped = zipfile.is_zipfile(file)
    except OSError as error:
        raise ModelFileError(f"{file}: cannot be read ({error.strerror})") from None
    if not start:
        raise ModelFileError(f"{file}: the file is empty")
    length = int.from_bytes(start[:_SIZE_OF_LENGTH], "little")
    if start[_SIZE_OF_LENGTH:] == b"{" and length <= _LARGEST_HEADER:
        return
    if start[:1] == b"\x80" and start[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        raise ModelFileError(f"{file}: a pickle, which could run code; descend never opens one")
    if zipped:
        raise ModelFileError(f"{file}: a zip archive (a torch file?), not a safetensors file")
    raise ModelFileError(f"{file}: not a safetensors file")


def _written(model: Model) -> str:
    """The description as text. Raises OptionError where it holds what JSON or Unicode does not."""
    try:
        text = json.dumps(_describe(model), ensure_ascii=False, sort_keys=True, allow_nan=False)
        text.encode()
    except (TypeError, ValueError) as error:
        raise OptionError(f"the model cannot be described in its file: {error}") from None
    return text


def _describe(model: Model) -> dict[str, Any]:
    encoder = model.encoder
    return {
        "network": network_to_json(model.network),
        "classes": None if model.classes is None else classes_to_json(model.classes),
        "encoder": None if encoder is None else {"kind": type(encoder).__name__, **encoder.to_json()},
        "target": None if model.target is None else model.target.to_json(),
        "input_scale": model.input_scale,
        "engine": model.engine,
        "about": model.about,
    }


def _build(described: dict[str, Any], tensors: dict[str, NDArray[Any]]) -> Model:
    network = network_from_json(described["network"])
    shapes = network.parameter_shapes(_width(tensors))
    if set(tensors) != set(shapes):
        raise ModelFileError(
            f"its weights are {', '.join(sorted(tensors))}, the network's {', '.join(shapes)}"
        )
    if not isinstance(described["about"], dict):
        raise ModelFileError("its facts about the run are missing")
    encoder, target = described["encoder"], described["target"]
    classes = described["classes"]
    network.check_parameters(_width(tensors), tensors)  # from here on its widths are those of the weights
    if encoder is not None:
        from descend.data.encoding import encoder_from_json

        encoder = encoder_from_json(encoder)
    if target is not None:
        from descend.data.target import NumberTarget

        target = NumberTarget.from_json(target)
    return Model(
        network,
        {name: tensors[name] for name in shapes},
        classes=None if classes is None else classes_from_json(classes, max(network.outputs, 2)),
        encoder=encoder,
        target=target,
        input_scale=described["input_scale"],
        engine=described["engine"],
        about=described["about"],
    )


def _width(tensors: Mapping[str, NDArray[Any]]) -> int:
    return int(tensors["0.weight"].shape[0])


def _digest(described: str, tensors: Mapping[str, NDArray[Any]]) -> str:
    digest = hashlib.sha256(described.encode())
    for name in sorted(tensors):
        array = tensors[name]
        digest.update(f"{name}:{array.dtype}:{array.shape}:".encode())
        digest.update(array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes())
    return digest.hexdigest()
