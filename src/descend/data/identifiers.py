"""Columns that number or name the rows and tell nothing about them."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

_IDENTIFIER = re.compile(
    r"(.*[\s_-])?(id|index|idx|uuid|rowid|row|no|nr|number|编号|序号)|#|column \d+"
    # as pandas, readr and R call the rows when they write them out
    r"|unnamed: ?\d+(\.\d+)?(_level_\d+)?|__index_level_\d+__|level_\d+|\.\.\.\d+"
    r"|row[\s_.-]?(names?|num(ber)?|no\.?|id)"
    r"|(s|sl|sr|ser|serial|seq|rec|record|case|obs|item|entry)[\s_.-]*(no|nr|num|number|id)\.?"
    r"|s/n|n[°º]|№|num|nummer|lfd[\s_.-]*nr\.?|n[uú]m[eé]ro|nro\.?|l\.?p\.?|[ií]ndice|номер|(№ ?)?п/п"
    r"|行号|行號|編號|序號|行番号|番号|連番|번호|순번|연번",
    re.I,
)
_CAMEL_CASE = re.compile(r".*[a-z](Id|ID)")
_COUNTER = re.compile(r"X|(?i:instant|obs|observation|record|case)")
"""Names that are identifiers only where the column counts the rows: they may mean something else."""


def named_as_identifier(name: str) -> bool:
    """Whether whole numbers that all differ are an identifier under this name."""
    return bool(_IDENTIFIER.fullmatch(name) or _CAMEL_CASE.fullmatch(name))


def named_as_counter(name: str) -> bool:
    """Whether numbers that count the rows are an identifier under this name."""
    return bool(_COUNTER.fullmatch(name)) or named_as_identifier(name)


def counts_rows(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which columns count the rows from 0 or 1, in their order; (columns, rows) → (columns,)."""
    rows = values.shape[1]
    first = values[:, 0]
    counting = np.isin(first, (0, 1)) & (values[:, -1] == first + rows - 1)
    for place in np.flatnonzero(counting):
        counting[place] = np.array_equal(values[place] - first[place], np.arange(rows))
    return counting
