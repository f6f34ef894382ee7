"""Which judge cards of a run count: of the transcripts that are there, by the rubrics in use."""

import sys
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from opencharacter.errors import StoreError
from opencharacter.evaluation.card import CARDS
from opencharacter.job.beside import read_beside
from opencharacter.records import Score
from opencharacter.store.commands import forced, plain
from opencharacter.store.damage import damaged
from opencharacter.store.stage import finished_input


def read_cards(run_dir: Path, rubrics: Mapping[str, Collection[str]]) -> dict[str, Any]:
    """Return the cards that stage=qualify wrote in this run, by judge, as far as they count.

    A card of older transcripts, of a qualifying that did not end, or by other rubrics says nothing
    of the scores: stderr tells why it does not count. Empty = there are none.

    Args:
        run_dir: Folder of the run.
        rubrics: What each judge judges by, `name@hash`.

    Raises:
        StoreError: the file of the cards is damaged.
    """
    path = run_dir / "qualify" / CARDS
    found = _object(path)
    if not found:
        return {}
    try:
        finished_input(run_dir, "qualify", run=run_dir.name)
    except StoreError as error:
        print(f"no card of {path} counts: {error}", file=sys.stderr)
        return {}
    others = [judge for judge in found.keys() & rubrics.keys() if not _is_by(found, judge, rubrics)]
    for judge in sorted(others):
        print(
            f"the card of {judge} in {path} does not count: it is by {found[judge]['rubric']}, and "
            f"the judge judges by {', '.join(sorted(rubrics[judge]))}; qualify it by these: "
            f"{forced(plain(run_dir, 'qualify'))}, with the same llm@judge and judge.rubrics",
            file=sys.stderr,
        )
    return {judge: found[judge] for judge in found.keys() & rubrics.keys() - set(others)}


def rubrics_of(scores: Iterable[Score]) -> dict[str, set[str]]:
    """Return by what each judge has judged."""
    found: dict[str, set[str]] = {}
    for score in scores:
        found.setdefault(score.judge, set()).add(score.rubric)
    return found


def _is_by(cards: Mapping[str, Any], judge: str, rubrics: Mapping[str, Collection[str]]) -> bool:
    return cards[judge]["rubric"] in rubrics[judge]


def _object(path: Path) -> dict[str, Any]:
    """Return the cards in a file, {} where there is none.

    Raises:
        StoreError: it is damaged.
    """
    found = read_beside(path, dict[str, dict[str, Any]]) or {}
    whole = {"judge", "rubric", "verdict", "calibration", "below", "few", "people"}
    if not all(whole <= card.keys() for card in found.values()):
        raise damaged(path, "it holds no judge cards")
    return found
