"""The bar chart: how many times longer each peer takes."""

from __future__ import annotations

import io
from typing import Any

_TITLES = {
    "pytorch": "PyTorch, written by hand",
    "book": "PyTorch, as in books",
    "jax": "JAX, compiled scan",
    "scikit-learn": "scikit-learn MLP",
}
_COLOURS = {"pytorch": "#d1603d", "book": "#e3a587", "jax": "#3a7ca5", "scikit-learn": "#6a994e"}
_WIDTH, _BAR, _MARGIN = 8.3, 0.21, 1.1  # inches; a README shows about 8.3 at 100 dots an inch
_DOTS = 200
SUFFIXES = ("png", "svg")


def draw(found: dict[str, Any]) -> dict[str, bytes]:
    """The picture by file suffix, ``png`` and ``svg``; none where no peer was counted.

    found : what ``measure`` returned. A bar is the median ratio, its whisker the range over the pairs.
    """
    groups = [(work["title"], counted) for work in found["workloads"] if (counted := _counted(work))]
    if not groups:
        return {}
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    bars = sum(len(counted) for _, counted in groups)
    height = _MARGIN + _BAR * (bars + len(groups))
    # Letters stay letters, and the same figures give the same file.
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "descend", "font.size": 9}):
        figure = Figure((_WIDTH, height), layout="constrained")
        FigureCanvasAgg(figure)
        _bars(figure.add_subplot(), groups, found)
        pictures = {}
        for suffix, metadata in (("png", {"Software": None}), ("svg", {"Date": None})):
            file = io.BytesIO()
            figure.savefig(file, format=suffix, dpi=_DOTS, metadata=metadata)
            pictures[suffix] = file.getvalue()
    return pictures


def _counted(work: dict[str, Any]) -> dict[str, Any]:
    return {name: peer for name, peer in work["peers"].items() if peer["counted"]}


def _bars(axes: Any, groups: list[tuple[str, dict[str, Any]]], found: dict[str, Any]) -> None:
    place, ticks, largest, seen = 0.0, [], 1.0, set()
    for _, counted in groups:
        first = place
        for name, peer in counted.items():
            low, high = peer["range"]
            ratio = peer["ratio"]
            label = _TITLES[name] if name not in seen else None
            seen.add(name)
            axes.barh(
                place, ratio - 1, left=1, height=0.86, color=_COLOURS[name], label=label,
                xerr=[[max(0.0, ratio - low)], [max(0.0, high - ratio)]],
                error_kw={"ecolor": "#444444", "elinewidth": 0.7},
            )  # fmt: skip
            axes.annotate(
                f"{ratio:.{1 if ratio < 100 else 0}f}×", (max(high, ratio, 1), place), xytext=(4, 0),
                textcoords="offset points", va="center", fontsize=8,
            )  # fmt: skip
            largest = max(largest, high)
            place += 1
        ticks.append((first + place - 1) / 2)
        place += 1
    axes.set_xscale("log")
    axes.set_xlim(right=largest * 1.9)
    axes.axvline(1, color="black", linewidth=1)
    axes.xaxis.set_major_formatter(lambda value, position: f"{value:g}×")
    axes.set_yticks(ticks, [title for title, _ in groups])
    axes.tick_params(axis="y", length=0)
    axes.invert_yaxis()
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.set_xlabel(
        f"time divided by descend's ({found['threads']} threads, {found['instruction_set']}; "
        f"median and range of {found['pairs']} pairs)"
    )
    axes.figure.legend(frameon=False, loc="outside upper center", ncols=len(seen))
