"""What the loss stage leaves beside its rows, and what reports read of it."""

import sys
from typing import Any

from opencharacter.compare.losses import loss_words, losses_of
from opencharacter.job.reporting import as_json
from opencharacter.records import Loss
from opencharacter.store.files import read_json, write_json
from opencharacter.store.rows import read_records
from opencharacter.store.stage import StageFolder

FILE = "loss.json"


def write_losses(folder: StageFolder, *, level: float) -> dict[str, int]:
    """Write the means to loss.json; return counts for the manifest."""
    rows = list(read_records(folder.data, Loss))
    found = losses_of(rows, level=level)
    told: dict[str, Any] = {
        "models": sorted({row.model for row in rows}),
        "answers": sorted({row.source for row in rows}),
        "told": [loss_words(each) for each in found[:1]],
        "losses": [as_json(each) | {"perplexity": as_json(each.perplexity)} for each in found],
    }
    write_json(folder.path / FILE, told)
    return {"tokens measured": sum(len(row.losses) for row in rows)}


def say_losses(folder: StageFolder) -> None:
    """Print the mean, once the stage is finished."""
    if folder.manifest() is None:
        return
    found = read_json(folder.path / FILE) or {"told": [], "models": [], "answers": []}
    for sentence in found["told"]:
        models, answers = ", ".join(found["models"]), ", ".join(found["answers"])
        print(f"loss of {models} on {answers}: {sentence}", file=sys.stdout)
