"""What the play stage writes beside its transcripts, and tells."""

import sys
from collections import Counter
from pathlib import Path

from opencharacter.evaluation.suite import Suite
from opencharacter.records import EvalItem
from opencharacter.store.files import write_json
from opencharacter.store.rows import part_files, read_columns, write_records
from opencharacter.store.stage import StageFolder

ITEMS = "items"
"""Folder of the items beside `data`: whoever judges a transcript needs what was asked."""


def write_items(folder: StageFolder, suite: Suite) -> None:
    """Write the items of the transcripts, and suite.json: how much of the suite they are."""
    write_records(folder.path / ITEMS / "part-00000-of-00001.parquet", EvalItem, suite.items)
    write_json(
        folder.path / "suite.json",
        {
            "suite": suite.name,
            "items": len(suite.items),
            "personas": suite.n_personas,
            "personas_played": len(suite.people),
            "damaged": {row.key: f"{row.reason}: {row.detail}" for row in suite.damaged},
            "missing": list(suite.missing),
        },
    )


def say_missing(suite: Suite) -> None:
    """Say what makes this a part of the suite, so that nobody takes its mean for the suite's."""
    for sentence in suite.missing:
        print(f"play: a part of {suite.name}: {sentence}", file=sys.stderr)


def count_played(data: Path) -> dict[str, int]:
    """Return how many transcripts of whole parts have each failure, and how many have none."""
    counts = Counter(failure or "ok" for (failure,) in read_columns(part_files(data), ["failure"]))
    failed = {f"failed, {name}": n for name, n in counts.most_common() if name != "ok"}
    return {"to be judged": counts["ok"], **failed}
