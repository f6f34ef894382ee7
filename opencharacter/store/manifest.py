"""Closing a stage: every row accounted for, then the manifest and the dataset card.

in = out + rejected + not drawn, no record twice, no work left undone; otherwise the stage stays
open and the exit status is not zero.
"""

import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from opencharacter.errors import AccountingError, StoreError
from opencharacter.records import Usage
from opencharacter.store.card import write_card
from opencharacter.store.files import write_json
from opencharacter.store.rows import column_names, part_files, read_columns, read_footer
from opencharacter.store.stage import StageFolder, output_fingerprint

LEFT_OUT = "left out: "
"""Notes that begin so say why rows were not drawn; the others count something else."""
REPLAYED = "replayed"
"""Note of how many rows of a mixture have no character."""


@dataclass(kw_only=True)
class Counted:
    """What a stage was given, counted where it was read, apart from what it wrote."""

    rows_in: int
    not_drawn: int = 0
    """Rows that are fine but were left out by a sample or a share."""
    notes: dict[str, int] = field(default_factory=dict)
    """Counts worth telling that are no rejections."""
    unmet: list[str] = field(default_factory=list)
    """What was asked for and could not be had, a sentence each."""
    read_from: dict[str, str] = field(default_factory=dict)
    """Of data sets on the hub, the commit that was read."""


def close_stage(
    folder: StageFolder,
    counted: Counted,
    *,
    fingerprint: str,
    about: Mapping[str, Any],
    max_rejected: float = 1.0,
) -> dict[str, Any]:
    """Check that everything adds up, write manifest and card, and return the manifest.

    Args:
        folder: The stage's; all its parts are whole.
        counted: What went in.
        fingerprint: As `begin` returned it.
        about: More for the manifest: command, versions, models, licences.
        max_rejected: Largest share of rows in that may be rejected.

    Raises:
        AccountingError: rows are missing, double, or too many were rejected.
        StoreError: the stage is another one by now.
    """
    started = folder.started() or {}
    if started.get("fingerprint", fingerprint) != fingerprint:
        raise StoreError(
            f"{folder.path} was started with other settings while this command was at it; run it "
            "again when the other one has ended"
        )
    _drop_orphans(folder)
    footers = [read_footer(path) for path in part_files(folder.data)]
    rejected = Counter(row[0] for row in read_columns(part_files(folder.rejected), ["reason"]))
    rows_out = sum(footer.rows for footer in footers)
    _check_sum(folder, counted, rows_out, rejected)
    _check_unique(folder)
    _check_share(folder, counted, rejected, max_rejected)
    manifest = {
        "stage": folder.stage,
        "fingerprint": fingerprint,
        "output": output_fingerprint(fingerprint, sum(f.digest for f in footers) % 2**128),
        "inputs": started["inputs"],
        "settings": started["settings"],
        "counts": {
            "in": counted.rows_in,
            "out": rows_out,
            "rejected": dict(rejected.most_common()),
            "not_drawn": counted.not_drawn,
            "notes": counted.notes,
        },
        "usage": _usage(folder),
        "seconds": round(time.time() - started["at"], 1),
        "parts": len(footers),
        **({"unmet": counted.unmet} if counted.unmet else {}),
        **({"read_from": counted.read_from} if counted.read_from else {}),
        **_shares(folder),
        **about,
    }
    write_card(folder, manifest)
    write_json(folder.manifest_file, manifest)
    return manifest


def check_all_done(folder: StageFolder, expected: Iterable[str], done: set[str]) -> int:
    """Return how many pieces of work there were, after checking that each ended somewhere.

    Args:
        folder: The stage's, for the error.
        expected: Keys of all work, from the inputs.
        done: Keys in whole parts.

    Raises:
        AccountingError: work is missing, or there are rows of no known work.
    """
    count = 0
    missing: list[str] = []
    for key in expected:
        count += 1
        if key not in done:
            missing.append(key)
    if missing or count != len(done):
        raise AccountingError(
            f"{folder.path} does not add up: {count:,} pieces of work, {len(done):,} ended, "
            f"{len(missing):,} missing (first: {missing[:1]}); start it over with force=true"
        )
    return count


def _drop_orphans(folder: StageFolder) -> None:
    """Remove rejections without data of the same part: a kill came between the two files.

    The part was never whole, so its work was done again, in a partition of another size. Empty ones
    stay: another process may be about to write the data beside it, empty too.
    """
    whole = {path.name for path in part_files(folder.data)}
    for path in part_files(folder.rejected):
        if path.name not in whole and _has_rows(path):
            path.unlink(missing_ok=True)


def _has_rows(path: Path) -> bool:
    """Say whether a part has rows; not if it is gone, as another process closes the stage too."""
    try:
        return read_footer(path).rows > 0
    except StoreError:
        if path.exists():
            raise
        return False


def _check_sum(
    folder: StageFolder, counted: Counted, rows_out: int, rejected: Counter[str]
) -> None:
    total = rows_out + rejected.total() + counted.not_drawn
    if total != counted.rows_in:
        raise AccountingError(
            f"{folder.path} does not add up: {counted.rows_in:,} rows in, {rows_out:,} out, "
            f"{rejected.total():,} rejected, {counted.not_drawn:,} not drawn; start it over with "
            "force=true and report this"
        )


def _check_unique(folder: StageFolder) -> None:
    """Check that no id occurs twice, with 8 bytes of memory a row."""
    ids = read_columns(part_files(folder.data), ["id"])
    hashes = np.fromiter((int(row[0][-16:], 16) for row in ids), dtype=np.uint64)
    doubles = len(hashes) - len(np.unique(hashes))
    if doubles:
        raise AccountingError(
            f"{folder.data} holds {doubles:,} records twice; start the stage over with force=true"
        )


def _check_share(
    folder: StageFolder, counted: Counted, rejected: Counter[str], max_rejected: float
) -> None:
    considered = counted.rows_in - counted.not_drawn
    if considered == 0 or rejected.total() / considered <= max_rejected:
        return
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in rejected.most_common())
    raise AccountingError(
        f"{folder.stage}: {rejected.total():,} of {considered:,} rows were rejected, more than "
        f"{folder.stage}.max_rejected={max_rejected}: {reasons}; look at {folder.rejected}, then "
        "mend the cause and use force=true, or raise the limit"
    )


def _shares(folder: StageFolder) -> dict[str, dict[str, int]]:
    """Return how many rows there are of each source, method, split and licence."""
    parts = part_files(folder.data)
    columns = {"source": "sources", "method": "methods", "split": "splits", "licence": "licences"}
    known = column_names(parts[0])
    return {
        title: dict(Counter(row[0] for row in read_columns(parts, [column])).most_common())
        for column, title in columns.items()
        if column in known
    }


def _usage(folder: StageFolder) -> dict[str, int]:
    """Return the tokens of all model calls, of rejected rows too."""
    total: Counter[str] = Counter(dict.fromkeys(Usage.__dataclass_fields__, 0))
    for made in (folder.data, folder.rejected):
        parts = part_files(made)
        known = set(column_names(parts[0])) if parts else set()
        for column in sorted({"usage", "user_usage"} & known):  # of a model that plays the user
            for (usage,) in read_columns(parts, [column]):
                total.update(usage)
    return dict(total)
