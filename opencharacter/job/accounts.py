"""What the books of a stage say: what was planned, what is rejected, and that rows are left."""

import sys
from collections import Counter
from typing import Any

from opencharacter.config import Config, planned_settings
from opencharacter.errors import AccountingError
from opencharacter.store.files import read_json
from opencharacter.store.manifest import LEFT_OUT, Counted
from opencharacter.store.rows import part_files, read_columns, read_footer
from opencharacter.store.stage import StageFolder


def planned_of(folder: StageFolder, config: Config) -> dict[str, Any]:
    """Return what `stage=plan` said this stage would cost, if it was asked for this run."""
    path = folder.run_dir / "plan" / "plan.json"
    try:
        plan = read_json(path) or {}
    except ValueError:
        told = f"{folder.stage}: {path} is broken JSON, so nothing is compared with it; plan again"
        print(told, file=sys.stderr)
        return {}
    stages: dict[str, Any] = plan.get("stages", {})
    is_this = plan.get("settings") == planned_settings(config)
    return {"planned": stages[folder.stage]} if is_this and folder.stage in stages else {}


def n_rejected(folder: StageFolder) -> int:
    """Count the rejections of whole parts, whoever worked on them."""
    names = [path.name for path in part_files(folder.data)]
    return sum(read_footer(folder.rejected / name).rows for name in names)


def refuse_nothing_made(folder: StageFolder, counted: Counted) -> None:
    """See to it that something is left: else it is a wrong column or template, not a data set.

    Raises:
        AccountingError: rows came in, and none is left.
    """
    if not counted.rows_in or any(read_footer(p).rows for p in part_files(folder.data)):
        return
    whole = [folder.rejected / path.name for path in part_files(folder.data)]
    rejected = read_columns(whole, ["reason"])
    reasons = Counter(reason for (reason,) in rejected)
    left_out = {n: count for n, count in counted.notes.items() if n.startswith(LEFT_OUT)}
    reasons.update({"not drawn": counted.not_drawn - sum(left_out.values()), **left_out})
    listed = ", ".join(f"{count:,} {reason}" for reason, count in (+reasons).most_common())
    raise AccountingError(
        f"{folder.stage}: of {counted.rows_in:,} rows none is left: {listed}; look at "
        f"{folder.rejected}, then mend the cause and use force=true"
    )


def told_rejected(folder: StageFolder) -> str:
    """Return the reasons for which a finished stage rejected rows, in a line; "" = it did not."""
    reasons = (folder.manifest() or {"counts": {"rejected": {}}})["counts"]["rejected"]
    listed = ", ".join(f"{count:,} {reason}" for reason, count in reasons.items())
    return listed and f"rejected: {listed}; each with its reason in {folder.rejected}"
