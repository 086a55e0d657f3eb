"""Puts a run's table and picture into README.md and README.zh-CN.md, between the marks that are there.

    .venv/bin/descend bench --out results
    .venv/bin/python benchmarks/readme_tables.py results

The English table is printed too, for benchmarks/results.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

from descend.cli.bench import duration, times

ROOT = Path(__file__).resolve().parents[1]
PICTURE = "docs/pictures/ratios.svg"
PEERS = ("pytorch", "book", "jax", "scikit-learn")
NAMES = {
    "README.md": {
        "head": "one epoch, {threads} threads",
        "row": "one row",
        "pytorch": "PyTorch by hand",
        "book": "PyTorch as in books",
        "jax": "JAX scan",
        "scikit-learn": "scikit-learn",
        "comma": ", ",
        "batch": "batch",
        "linear": "linear",
        "MLP": "MLP",
        "range": "{low} to {high}",
        "uncounted": "not counted",
        "picture": "How many times longer the others take",
    },
    "README.zh-CN.md": {
        "head": "每轮（epoch）耗时，{threads} 线程",
        "row": "预测一行",
        "pytorch": "PyTorch 手写循环",
        "book": "PyTorch 教程写法",
        "jax": "JAX scan",
        "scikit-learn": "scikit-learn",
        "comma": "，",
        "batch": "批量",
        "linear": "线性回归",
        "MLP": "多层感知机",
        "range": "{low} 至 {high}",
        "uncounted": "未计入",
        "picture": "其他库的耗时是 descend 的多少倍",
    },
}


def table(found: dict[str, Any], words: dict[str, str]) -> str:
    """A row a workload, a column a peer: its ratio and range."""
    peers = [name for name in PEERS if any(name in work["peers"] for work in found["workloads"])]
    head = [words["head"].format(threads=found["threads"]), "descend", *(words[name] for name in peers)]
    lines = [head, ["---"] * len(head)]
    for work in found["workloads"]:
        title = work["title"].replace(", ", words["comma"]).replace("one row", words["row"])
        for word in ("batch", "linear", "MLP"):
            title = title.replace(word, words[word])
        own = duration(work["descend"]["median"])
        lines.append([title, own, *(_cell(work["peers"].get(name), words) for name in peers)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(peer: dict[str, Any] | None, words: dict[str, str]) -> str:
    if peer is None:
        return "–"
    if not peer["counted"]:
        return words["uncounted"]
    low, high = map(times, peer["range"])
    return f"{times(peer['ratio'])} ({words['range'].format(low=low, high=high)})"


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    results = Path(sys.argv[1])
    found = json.loads((results / "bench.json").read_text("utf-8"))
    shutil.copy(results / "ratios.svg", ROOT / PICTURE)
    for name, words in NAMES.items():
        path = ROOT / name
        parts = re.split("(<!-- bench -->\n|<!-- /bench -->)", path.read_text("utf-8"))
        if len(parts) != 5:
            sys.exit(f"{name} has no place marked <!-- bench --> … <!-- /bench -->")
        parts[2] = f"{table(found, words)}\n\n![{words['picture']}]({PICTURE})\n"
        path.write_text("".join(parts), "utf-8")
    print(table(found, NAMES["README.md"]))


if __name__ == "__main__":
    main()
