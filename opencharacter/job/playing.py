"""What the play stage writes beside its transcripts, and tells."""

import sys
from collections import Counter
from dataclasses import asdict, dataclass, field

from opencharacter.errors import SourceError
from opencharacter.evaluation.people import HELD
from opencharacter.evaluation.rules import rule_scores
from opencharacter.evaluation.suite import Suite
from opencharacter.records import EvalItem, Score, Transcript
from opencharacter.sources.pinning import NOT_KNOWN
from opencharacter.store.files import write_json
from opencharacter.store.rows import read_records, write_records
from opencharacter.store.stage import StageFolder

ITEMS = "items"
"""Folder of the items beside `data`: whoever judges a transcript needs what was asked."""
SUITE = "suite.json"
_SHOWN = 200  # characters of what is wrong with the first damaged file


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """How much of a suite was played, as suite.json says."""

    suite: str
    """`name@hash` of its data."""
    items: int
    personas: int
    """That the suite's data has."""
    personas_played: int
    damaged: dict[str, str]
    """Data that cannot be used, with the reason."""
    missing: tuple[str, ...]
    """What makes this a part of the suite, a sentence each; empty = all of it."""
    about: dict[str, float | None]
    """Figures about the suite itself, such as what a control without a model gets right."""
    read_from: dict[str, str] = field(default_factory=dict)
    """Of data sets on the hub, the commit that was read, by the path that names them."""


def sources_of(suite: Suite) -> dict[str, str]:
    """Return what decides whom a suite asks what, by the name that an error calls it.

    A run that is trained after it was played has other characters in domain than before.
    """
    held = suite.about.get(HELD)
    told = {"the part of the mixture that the training held out": f"{held:.0f}"} if held else {}
    return {"suite": suite.name, **told}


def write_items(folder: StageFolder, suite: Suite) -> None:
    """Write the items of the transcripts, and suite.json: how much of the suite they are."""
    write_records(folder.path / ITEMS / "part-00000-of-00001.parquet", EvalItem, suite.items)
    played = Played(
        suite=suite.name,
        items=len(suite.items),
        personas=suite.n_personas,
        personas_played=len(suite.people),
        damaged={row.key: f"{row.reason}: {row.detail}" for row in (*suite.damaged, *suite.beside)},
        missing=suite.missing,
        about=dict(suite.about),
        read_from=dict(suite.read_from),
    )
    write_json(folder.path / SUITE, asdict(played))


def refuse_damaged(suite: Suite, *, max_rejected: float) -> None:
    """Refuse a suite of which more is lost than may be, or all of it; before anything is asked.

    What counts is what can be damaged alone, such as a character, however many of its questions
    would have been transcripts.

    Raises:
        SourceError: too much is.
    """
    if suite.items and suite.n_lost <= max_rejected * suite.n_drawn:
        return
    few = f"more than play.max_rejected={max_rejected}" if suite.items else "so nothing is asked"
    first = suite.damaged[0]
    why = first.detail if len(first.detail) <= _SHOWN else first.detail[:_SHOWN] + " ..."
    raise SourceError(
        f"{suite.n_lost:,} of {suite.n_drawn:,} {suite.unit} of {suite.name} are damaged, {few}, "
        f"such as {first.key} ({first.reason}: {why}); mend them, take them out"
        + (", or raise the limit" if suite.items else "")
    )


def say_missing(suite: Suite) -> None:
    """Say what makes this a part of the suite, so that nobody takes its mean for the suite's."""
    for path, commit in suite.read_from.items():
        told = "not known, so nothing ties the run to it" if commit == NOT_KNOWN else commit
        print(f"play: the commit of {path} is {told}", file=sys.stderr)
    for row in suite.beside:
        print(f"play: left out: {row.key!r}, {row.reason} ({row.detail})", file=sys.stderr)
    if held := suite.about.get(HELD):
        print(
            f"play: {held:,.0f} characters of the mixture are not in domain: its training held "
            "them out (train.holdout.characters), and chose its step by them",
            file=sys.stderr,
        )
    for sentence in suite.missing:
        print(f"play: a part of {suite.name}: {sentence}", file=sys.stderr)


def say_lost(model: str) -> None:
    """Say that what a model was trained on is not known; empty = it is."""
    if model:
        print(
            f"play: the player is or was trained upon {model}, and the run that made that is not "
            "here, or has trained another since: whom it met is not known, so nobody is out of "
            "domain; name the model in its run's folder",
            file=sys.stderr,
        )


def count_played(folder: StageFolder, suite: Suite) -> dict[str, int]:
    """Return how many transcripts are for a judge, how many failed, and what rules say of all."""
    items = {item.id: item for item in suite.items}
    judged = 0
    failures: Counter[str] = Counter()
    facts: Counter[str] = Counter()
    for transcript in read_records(folder.data, Transcript):
        if transcript.failure:
            failures[f"failed, {transcript.failure}"] += 1
        if transcript.user_failure:
            facts[f"the user failed, {transcript.user_failure}"] += 1
        item = items[transcript.item_id]
        by_rule = list(rule_scores(item, transcript))
        for score in by_rule:
            facts[_told(score, of_several=len(item.questions) > 1)] += score.value != 0
            facts["scores by rule"] += 1
        others = set(item.dimensions) - {score.criterion for score in by_rule}
        judged += bool(others) and not transcript.failure
    return {"to be judged": judged, **dict(failures.most_common()), **facts}


def _told(score: Score, *, of_several: bool) -> str:
    """Return what a score that is not 0 says, such as `fact stated at turn 4`."""
    what = score.criterion.replace("_", " ")
    why = f", unscored ({score.unscored})" if score.unscored else ""
    return what + why + (f" at turn {(score.turn or 0) + 1}" if of_several else "")
