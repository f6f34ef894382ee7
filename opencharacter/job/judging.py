"""What the judge stage reads of others, what it calls its folders, and what it tells."""

import re
import sys
from collections import Counter
from pathlib import Path

from opencharacter.config import ModelConfig
from opencharacter.job.playing import ITEMS
from opencharacter.records import EvalItem, Score, Transcript
from opencharacter.store.rows import part_files, read_columns, read_records
from opencharacter.store.stage import StageFolder


def read_played(folder: StageFolder) -> tuple[dict[str, EvalItem], list[Transcript]]:
    """Return the items of a play stage by id, and its transcripts."""
    items = {item.id: item for item in read_records(folder.path / ITEMS, EvalItem)}
    return items, list(read_records(folder.data, Transcript))


def juror_stage(judge: ModelConfig) -> str:
    """Return the folder of one judge's scores, beside that of all of them."""
    name = Path(judge.model).name or judge.model
    return "judge-" + re.sub(r"[^A-Za-z0-9._]+", "_", name).strip("._").lower()


def count_scores(data: Path) -> dict[str, int]:
    """Return how many answers have a score, and how many lack one for which reason."""
    reasons = Counter(reason for (reason,) in read_columns(part_files(data), ["unscored"]))
    scored = reasons.pop(None, 0)
    return {"scored": scored} | {f"unscored, {name}": n for name, n in reasons.most_common()}


def say_coverage(folder: StageFolder) -> None:
    """Print mean and coverage of each judge and criterion; a mean of nothing is none."""
    found: dict[tuple[str, str], list[float | None]] = {}
    for score in read_records(folder.data, Score):
        found.setdefault((score.judge, score.criterion), []).append(score.value)
    for (judge, criterion), values in found.items():
        scored = [value for value in values if value is not None]
        mean = f"{sum(scored) / len(scored):.2f}" if scored else "none"
        told = f"mean {mean} of {len(scored):,} scored; {len(values) - len(scored):,} unscored"
        print(f"judge: {judge}, {criterion}: {told}", file=sys.stderr)
