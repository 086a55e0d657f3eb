"""``descend evaluate``: metrics of a saved model."""

from __future__ import annotations

import json as json_text
import sys

from descend.cli.console import output
from descend.cli.fit import metrics_table
from descend.data.notices import Notices
from descend.judging import evaluate
from descend.models import load


def evaluate_command(model_path: str, data: str, rows: str, json: bool) -> None:
    """Prints a table, or JSON with every digit; what was noticed in the rows goes to standard error."""
    model = load(model_path)
    notices = Notices()
    judged = evaluate(model, data, rows, notices)
    for note in notices.texts:
        print(f"note: {note}", file=sys.stderr)
    if json:
        print(json_text.dumps(judged, indent=2))
        return
    console = output()
    if set(judged) == {"all"} and not rows:
        table = model.about["table"]
        console.print(
            f"Not the table this model was fitted on ({table}): all rows are judged, and rows that it was "
            "trained on may be among them.",
            soft_wrap=True,
        )
    console.print(metrics_table(judged, model.about.get("unit", "")))
