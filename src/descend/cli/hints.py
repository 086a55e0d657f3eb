"""What was probably meant by words of the command line that are no options of it."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any

# how other programs name it
_OTHER_NAMES = {
    "-t": "--target",
    "--label": "--target",
    "--y": "--target",
    "-o": "--out",
    "--output": "--out",
    "--learning-rate": "--lr",
    "--eta": "--lr",
    "--alpha": "--weight-decay",
    "--l2": "--weight-decay",
    "--layers": "--hidden",
    "--hidden-layers": "--hidden",
    "--hidden-layer-sizes": "--hidden",
    "--units": "--hidden",
    "--batch": "--batch-size",
    "--iterations": "--epochs",
    "--max-iter": "--epochs",
    "--random-state": "--seed",
    "--exclude": "--ignore",
    "--drop": "--ignore",
    "--force": "--overwrite",
    "-f": "--overwrite",
    "-q": "--quiet",
    "--silent": "--quiet",
}
_NOT_OFFERED = {
    "--test-size": "the split is 70 % train, 15 % validation, 15 % test, by --seed",
    "--validation-split": "the split is 70 % train, 15 % validation, 15 % test, by --seed",
    "--split": "the split is 70 % train, 15 % validation, 15 % test, by --seed",
    **dict.fromkeys(
        ("--folds", "--cv", "--k-fold"),
        "the command does not cross-validate; scikit-learn's cross_val_score does, with descend's estimators",
    ),
}
_KINDS = {"integer": "a whole number", "number": "a number", "float": "a number"}


def explained(error: Any, arguments: Sequence[str]) -> str:
    """One line about an error of the command line's words, with what was probably meant.

    error : a usage error of typer's; its ``format_message()`` is the line where nothing better is known.
    """
    unknown = getattr(error, "possibilities", ())
    if unknown != () and getattr(error, "option_name", None):
        return _unknown_option(error)
    if "unexpected extra argument" in error.format_message() and any(text[-1:] == "," for text in arguments):
        first = next(index for index, text in enumerate(arguments) if text[-1:] == ",")
        joined = "".join(_list_from(arguments[first:]))
        return f"a list is written without blanks after its commas: {joined}"
    return _wrong_kind(error, arguments) or f"{error.format_message()} (--help shows how)"


def _list_from(words: Sequence[str]) -> list[str]:
    """The words up to the first that does not end with a comma."""
    for index, word in enumerate(words):
        if not word.endswith(","):
            return list(words[: index + 1])
    return list(words)


def _unknown_option(error: Any) -> str:
    name = error.option_name
    known = [option for param in error.ctx.command.params for option in param.opts if option.startswith("-")]
    meant = _OTHER_NAMES.get(name)
    if meant in known:
        return f"there is no option {name}; did you mean {meant}?"
    if name in _NOT_OFFERED:
        return f"there is no option {name}: {_NOT_OFFERED[name]}"
    near = difflib.get_close_matches(name, [option for option in known if len(option) > 2], n=1, cutoff=0.7)
    if near:
        return f"there is no option {name}; did you mean {near[0]}?"
    return f"there is no option {name} (--help lists them)"


def _wrong_kind(error: Any, arguments: Sequence[str]) -> str:
    """``--seed takes a whole number, not 'abc'``; empty where it is not about a number."""
    param = getattr(error, "param", None)
    message = error.format_message()
    kind = next((words for name, words in _KINDS.items() if f"valid {name}" in message), "")
    if param is None or not kind:
        return ""
    for index, argument in enumerate(arguments):
        name, equals, value = argument.partition("=")
        if name in param.opts:
            given = value if equals else arguments[index + 1]
            return f"{name} takes {kind}, not {given!r}"
    return ""
