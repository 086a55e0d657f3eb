"""The model a command was given."""

from __future__ import annotations

from pathlib import Path

from descend.errors import ModelFileError, OptionError
from descend.models import Model, load
from descend.models.file import FILE_NAME


def load_model(model: str, data: str) -> Model:
    """The model at ``model``. Raises ModelFileError; OptionError where it and ``data`` were exchanged."""
    try:
        return load(model)
    except ModelFileError:
        if Path(data, FILE_NAME).is_file() or Path(data).suffix == Path(FILE_NAME).suffix:
            raise OptionError(
                f"the model comes first, then the data: MODEL is {data}, DATA is {model}"
            ) from None
        raise
