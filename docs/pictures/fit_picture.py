"""Draws docs/pictures/fit.svg: what ``descend fit houses`` prints.

.venv/bin/python docs/pictures/fit_picture.py
"""

import os
import re
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

from descend.cli import console as surfaces
from descend.cli.main import run

TARGET = Path(__file__).with_name("fit.svg").absolute()


def main() -> None:
    with Path(os.devnull).open("w") as nowhere:
        page = Console(record=True, width=100, file=nowhere, highlight=False, force_terminal=True)
        draw(page)


def draw(page: Console) -> None:
    page.print(Text("$ descend fit houses", style="bold green"))
    surfaces.output = lambda quiet=False: page
    import descend.cli.fit as fit

    fit.output = surfaces.output
    fit.progress = lambda quiet=False: Console(quiet=True)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        assert run(["fit", "houses"]) == 0
        os.chdir("/")
    svg = page.export_svg(title="descend")
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)  # the reader's own fonts will do
    TARGET.write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    main()
