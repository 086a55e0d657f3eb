"""Lists as the command line writes them."""

from __future__ import annotations

from descend.errors import OptionError


def units(text: str) -> tuple[int, ...]:
    """``"256,128"`` → (256, 128). Raises OptionError for anything but whole numbers."""
    try:
        return tuple(int(part) for part in text.split(",")) if text.strip() else ()
    except ValueError:
        raise OptionError(
            f"--hidden takes whole numbers with commas, such as 256,128, not {text!r}"
        ) from None


def names(text: str) -> tuple[str, ...]:
    """``"a, b"`` → ("a", "b"); ``""`` → ()."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def sides(text: str) -> tuple[int, int] | None:
    """``"64"`` → (64, 64), ``"48x64"`` → (48, 64), ``""`` → None. Raises OptionError for anything else."""
    if not text.strip():
        return None
    parts = text.lower().split("x")
    if len(parts) > 2 or not all(part.strip().isdecimal() for part in parts):
        raise OptionError(f"--image-size takes a side or HEIGHTxWIDTH, such as 64 or 48x64, not {text!r}")
    return int(parts[0]), int(parts[-1])
