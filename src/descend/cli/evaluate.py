"""``descend evaluate``: metrics of a saved model."""

from __future__ import annotations

import json as json_text

from descend.cli.console import line, output
from descend.cli.fit import metrics_table
from descend.cli.lines import note
from descend.cli.model import load_model
from descend.data.notices import Notices
from descend.judging import evaluate


def evaluate_command(model_path: str, data: str, rows: str, json: bool) -> None:
    """Prints a table, or JSON with every digit; what was noticed in the rows goes to standard error."""
    model = load_model(model_path, data)
    notices = Notices()
    judged = evaluate(model, data, rows, notices)
    for found in notices.texts:
        note(f"note: {found}")
    if json:
        print(json_text.dumps(judged, indent=2))
        return
    console = output()
    if set(judged) == {"all"} and not rows:
        table = model.about["table"]
        line(
            console,
            f"Not the table this model was fitted on ({table}): all rows are judged, and rows that it was "
            "trained on may be among them.",
        )
    console.print(metrics_table(judged, model.about.get("unit", "")))
