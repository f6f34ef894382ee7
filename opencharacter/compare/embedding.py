"""Transcripts as a page carries them: columns to filter by as JSON, all texts compressed.

Nothing of what models or users wrote stands in the page as it is: the columns are ASCII JSON
without `<`, `>`, `&`, the rest is base64. So no text can end its element, and 10,000 transcripts
take a few megabytes; the page unpacks those it shows.
"""

import base64
import json
import zlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any, NamedTuple

from opencharacter.compare.results import Mark, Results, group_of, less_is_better
from opencharacter.records import EvalItem, Role, Score, Transcript

_CHUNK = 100  # transcripts that are unpacked at a time
_EXCERPT = 160  # letters
_FACETS = ("run", "task", "domain", "control", "failure")


class Embedded(NamedTuple):
    """What goes into the page."""

    summary: str
    """JSON that may stand in a script element."""
    chunks: Mapping[str, str]
    """By name: base64 of JSON, deflated."""


class Shown(NamedTuple):
    """A transcript with what it got."""

    run: str
    transcript: Transcript
    score: float | None
    """Mean of its marks in the headline's criteria."""
    values: Mapping[str, float | None]
    """Of each criterion."""
    scores: Sequence[Score]
    less_is_better: bool = False
    """Of `score`."""


def shown_of(results: Results, marks: Sequence[Mark], criteria: Sequence[str]) -> list[Shown]:
    """Return the transcripts of a run, the worst first; those without a score come last."""
    values: dict[str, dict[str, float | None]] = defaultdict(dict)
    for mark in marks:
        values[mark.transcript.id][mark.criterion] = mark.value
    scores: dict[str, list[Score]] = defaultdict(list)
    for score in results.scores:
        scores[score.transcript_id].append(score)
    shown = []
    for transcript in results.transcripts:
        own = values[transcript.id]
        there = [v for name in criteria if (v := own.get(name)) is not None]
        mean = fmean(there) if there else None
        verdicts = scores[transcript.id]
        shown.append(Shown(results.run, transcript, mean, own, verdicts, less_is_better(criteria)))
    return worst_first(shown)


def worst_first(shown: Sequence[Shown]) -> list[Shown]:
    """Return transcripts by score; those without one last."""

    def key(one: Shown) -> tuple[bool, float, str, str]:
        points = one.score or 0.0
        points = -points if one.less_is_better else points
        return one.score is None, points, one.transcript.id, one.run

    return sorted(shown, key=key)


def most_different_first(shown: Sequence[Shown]) -> list[Shown]:
    """Return transcripts of several runs by how far the scores of their item are apart."""
    scores: dict[str, list[float]] = defaultdict(list)
    for one in shown:
        if one.score is not None:
            scores[one.transcript.item_id].append(one.score)
    spreads = {item: max(found) - min(found) for item, found in scores.items()}
    return sorted(
        shown,
        key=lambda one: (
            -spreads.get(one.transcript.item_id, -1.0),
            one.transcript.item_id,
            one.run,
            one.transcript.id,
        ),
    )


def embedded(results: Sequence[Results], shown: Sequence[Shown], *, most: int) -> Embedded:
    """Return the transcripts for the page.

    Args:
        results: The runs, whose items are asked for.
        shown: Their transcripts; of several runs those of one item that differ are listed first.
        most: Of these, how many the page holds.
    """
    kept = shown[:most]
    packer = _Packer({id_: item for each in results for id_, item in each.items.items()})
    packed = [packer.pack(one) for one in kept]
    names, rows = packer.names, packer.rows
    rows["spread"] = _spreads(rows)
    summary = {
        "chunk": _CHUNK,
        "rows": rows,
        "values": [[_short(one.values.get(name)) for one in kept] for name in names["criterion"]],
        "names": {facet: names[facet] for facet in _FACETS},
        "personas": names["persona"],
        "questions": names["question"],
        "criteria": names["criterion"],
        "faults": [at for at, name in enumerate(names["criterion"]) if less_is_better([name])],
        "less_is_better": any(one.less_is_better for one in kept),
        "parts": names["part"],
        "judges": names["judge"],
        "labels": [name.split("\n") for name in names["labels"]],
        "orders": _orders(rows, first="answers" if len(results) > 1 else "worst"),
        "left_out": len(shown) - len(kept),
    }
    chunks = {
        f"chunk-{at // _CHUNK}": _deflated(packed[at : at + _CHUNK])
        for at in range(0, len(packed), _CHUNK)
    }
    chunks["shared"] = _deflated({"systems": names["system"], "items": packer.items()})
    return Embedded(safe_json(summary), chunks)


def safe_json(value: object) -> str:
    """Return JSON that ends no element and no line of a script, whatever texts it holds."""
    text = json.dumps(value, separators=(",", ":"))  # ASCII: U+2028 and the like are escaped
    for letter in "<>&":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return text


class _Packer:
    """Takes transcripts apart into columns, which name things by their places, and texts."""

    def __init__(self, items: Mapping[str, EvalItem]) -> None:
        self._items = items
        self._places: dict[tuple[str, str], int] = {}
        self.names: dict[str, list[str]] = defaultdict(list)
        self.rows: dict[str, list[Any]] = defaultdict(list)

    def place(self, kind: str, name: str) -> int:
        """Return the place of a name among those of its kind."""
        key = (kind, name)
        if key not in self._places:
            self._places[key] = len(self.names[kind])
            self.names[kind].append(name)
        return self._places[key]

    def pack(self, one: Shown) -> dict[str, Any]:
        """Add a line to the columns, and return the texts of a transcript."""
        transcript, rows = one.transcript, self.rows
        item = self._items.get(transcript.item_id)
        rows["run"].append(self.place("run", one.run))
        for facet in ("task", "domain", "control"):
            rows[facet].append(self.place(facet, str(getattr(transcript, facet))))
        failure = transcript.failure
        rows["failure"].append(-1 if failure is None else self.place("failure", str(failure)))
        rows["item"].append(self.place("item", transcript.item_id))
        persona = item.persona if item else transcript.persona_id
        rows["persona"].append(self.place("persona", persona))
        rows["sample"].append(transcript.sample)
        rows["score"].append(_short(one.score))
        rows["disagreement"].append(_disagreement(one.scores))
        rows["excerpt"].append(_excerpt(transcript, item, Role.assistant))
        rows["question"].append(self.place("question", _excerpt(transcript, item, Role.user)))
        for name in one.values:
            self.place("criterion", name)
        system = "".join(m.content for m in transcript.messages if m.role is Role.system)
        return {
            "id": transcript.id,
            "system": self.place("system", system),
            "detail": transcript.detail,
            "user": _user_failed(transcript),
            "messages": [
                [message.role, message.content]
                for message in transcript.messages
                if message.role is not Role.system
            ],
            "verdicts": [self._verdict(score) for score in one.scores],
        }

    def _verdict(self, score: Score) -> dict[str, Any]:
        return {
            "criterion": self.place("part", score.criterion),
            "judge": self.place("judge", score.judge),
            "turn": score.turn,
            "repeat": score.repeat,
            "value": score.value,
            "unscored": score.unscored,
            "labels": self.place("labels", "\n".join(score.labels)),
            "probabilities": [round(p, 4) for p in score.probabilities],
            "rationale": score.rationale,
        }

    def items(self) -> list[dict[str, Any]]:
        """Return what is known of the items that were packed."""
        found = [self._items.get(id_) for id_ in self.names["item"]]
        return [{"facts": list(item.facts) if item else []} for item in found]


def _user_failed(transcript: Transcript) -> str:
    """Return why the model that plays the user ended the dialogue; empty = it did not."""
    failure = transcript.user_failure
    return f"{failure}: {transcript.user_detail}" if failure else ""


def _short(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _excerpt(transcript: Transcript, item: EvalItem | None, role: Role) -> str:
    said = item.played(transcript.messages) if item else transcript.messages
    texts = [message.content for message in said if message.role is role]
    return " ".join(" ".join(texts)[: 2 * _EXCERPT].split())[:_EXCERPT]


def _disagreement(scores: Sequence[Score]) -> float | None:
    """Return the largest difference of two judges in one criterion; None = there are no two."""
    means: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for score in scores:
        if score.value is not None:
            means[group_of(score.criterion)][score.judge].append(score.value)
    spreads = [
        max(map(fmean, judges.values())) - min(map(fmean, judges.values()))
        for judges in means.values()
        if len(judges) > 1
    ]
    return _short(max(spreads)) if spreads else None


def _spreads(rows: Mapping[str, Sequence[Any]]) -> list[float | None]:
    """Return for each row how far the scores of its item's answers are apart."""
    scores: dict[int, list[float]] = defaultdict(list)
    for item, score in zip(rows["item"], rows["score"], strict=True):
        if score is not None:
            scores[item].append(score)
    spreads = {
        item: _short(max(found) - min(found)) for item, found in scores.items() if len(found) > 1
    }
    return [spreads.get(item) for item in rows["item"]]


def _orders(rows: Mapping[str, Sequence[Any]], *, first: str) -> list[str]:
    """Return the orders that have something to go by."""
    columns = {"judges": rows["disagreement"], "answers": rows["spread"]}
    found = [name for name, each in columns.items() if any(v is not None for v in each)]
    orders = ["worst", "best", *found]
    return sorted(orders, key=lambda name: name != first)


def _deflated(value: object) -> str:
    text = json.dumps(value, separators=(",", ":")).encode("ascii")
    return base64.b64encode(zlib.compress(text, 6)).decode("ascii")
