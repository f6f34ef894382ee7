"""The suite `preference_probe`: does a model that plays a real person choose as the person does?

A row for each person: `{"person": ..., "persona": ..., "ratings": {name: number, ...}}`. Two things
that the person rated apart by `suite.margin` or more are a pair, asked in both orders, so that a
liking for the first of two cancels out. Controls: another model's run (`base`), another
person's prompt (`play.controls=[swapped_persona]`), and popularity: what the others' mean ratings
alone would choose, which costs no model and is in suite.json.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations
from statistics import mean
from sys import float_info
from typing import Any, NamedTuple

from opencharacter.config import SuiteConfig
from opencharacter.errors import SourceError
from opencharacter.evaluation.expected import Choice
from opencharacter.evaluation.suite import Suite
from opencharacter.ids import shuffled
from opencharacter.prompts.character import render_prompt
from opencharacter.records import Domain, EvalItem, Rejection, persona_id
from opencharacter.sources.fingerprint import source_fingerprint
from opencharacter.sources.lines import Row, reject
from opencharacter.sources.pinning import pinned
from opencharacter.sources.rows import open_source
from opencharacter.sources.screen import find_flaw

NAME = "preference_probe"


class Person(NamedTuple):
    """Somebody's ratings."""

    name: str
    persona: str
    ratings: dict[str, float]
    place: str
    """File and line of the row."""


class Pair(NamedTuple):
    """Two things of which a person prefers the first."""

    person: Person
    better: str
    worse: str


def read_preferences(config: SuiteConfig) -> Suite:
    """Return choices for the people of `suite.path`.

    Raises:
        SourceError: there is no such file, or nobody in it has a pair.
    """
    if not config.path:
        raise SourceError(
            'suite=preference_probe needs suite.path: rows of {"person", "persona", "ratings": '
            "{name: number}}"
        )
    read_from: dict[str, str] = {}
    config = replace(config, path=pinned(config.path, None, read_from))
    name = f"{NAME}@{source_fingerprint(config.path)[:12]}"
    people, doubles = _people(config.path)
    if not people:
        raise SourceError(f"{config.path} has no rows; each is a person with ratings")
    order = shuffled(people, config.seed, "people")
    if config.n is not None and config.n > len(order):
        raise SourceError(
            f"suite.n={config.n:,} asks for more than the {len(order):,} people of {config.path}"
        )
    drawn = [people[id_] for id_ in order[: config.n]]
    damaged = [one for one in drawn if isinstance(one, Rejection)]
    sound = [one for one in drawn if isinstance(one, Person)]
    found = [(person, list(_pairs(person, config))) for person in sound]
    pairs = [pair for _, each in found for pair in each]
    if not pairs and not damaged:
        raise SourceError(
            f"nobody in {config.path} rated two things {config.margin:g} points apart; lower "
            "suite.margin"
        )
    damaged += [_without_pair(person, config) for person, pairs in found if not pairs]
    readable = [one for one in people.values() if isinstance(one, Person)]
    suite = Suite(
        name=name,
        items=tuple(item for pair in pairs for item in _items(name, pair)),
        read_from=read_from,
        n_personas=len(people),
        n_drawn=len(drawn),
        n_lost=len(damaged),
        missing=(f"{len(drawn):,} of {len(people):,} people are asked",)
        if len(drawn) < len(people)
        else (),
        about={"popularity": popularity(pairs, readable), "pairs": len(pairs)},
    )
    return suite.with_damaged((*damaged, *doubles))


def popularity(pairs: Sequence[Pair], people: Sequence[Person]) -> float | None:
    """Return the share of pairs that the mean ratings of the others get right; None = of none.

    A tie is half right; a pair of which nobody else has rated both is left out.
    """
    right = []
    for pair in pairs:
        others = [person.ratings for person in people if person is not pair.person]
        means = [
            mean(found)
            for name in (pair.better, pair.worse)
            if (found := [ratings[name] for ratings in others if name in ratings])
        ]
        if len(means) == 2:
            right.append(0.5 if means[0] == means[1] else float(means[0] > means[1]))
    return mean(right) if right else None


def _people(path: str) -> tuple[dict[str, Person | Rejection], list[Rejection]]:
    """Return everybody by name, who cannot be read by place, and rows of people met before."""
    people: dict[str, Person | Rejection] = {}
    doubles: list[Rejection] = []
    for file in open_source(path).files:
        for row in file.rows():
            person = row if isinstance(row, Rejection) else _person(row)
            if isinstance(person, Rejection):
                people[f"{person.key}\n{person.reason}"] = person  # a name holds no such thing
            elif person.name in people:
                assert isinstance(row, Row)
                doubles.append(reject(row.place, "duplicate", f"{person.name!r} was there before"))
            else:
                people[person.name] = person
    return people, doubles


def _person(row: Row) -> Person | Rejection:
    name, persona, ratings = (row.value.get(key) for key in ("person", "persona", "ratings"))
    if not isinstance(name, str | int) or not isinstance(persona, str) or not persona.strip():
        return reject(row.place, "missing_key", "a row needs person and persona", row.value)
    if not isinstance(ratings, dict) or not all(_is_number(value) for value in ratings.values()):
        detail = "ratings must be an object of finite numbers"
        return reject(row.place, "wrong_type", detail, row.value)
    for text in (persona, *ratings):
        if flaw := find_flaw(text):
            return reject(row.place, flaw.reason, flaw.detail, row.value)
    return Person(str(name), persona.strip(), ratings, row.place)


def _is_number(value: Any) -> bool:
    is_real = isinstance(value, int | float) and not isinstance(value, bool)
    return is_real and abs(value) <= float_info.max  # neither NaN nor infinite


def _without_pair(person: Person, config: SuiteConfig) -> Rejection:
    n = f"{len(person.ratings):,} things"
    detail = f"{person.name!r} rated {n}, no two of them {config.margin:g} points apart"
    return reject(person.place, "no_pair", detail, person.persona)


def _pairs(person: Person, config: SuiteConfig) -> Iterator[Pair]:
    """Yield `suite.items` pairs, drawn so that fewer are part of more."""
    apart = {
        f"{a}\n{b}": (a, b)
        for a, b in combinations(sorted(person.ratings), 2)
        if abs(person.ratings[a] - person.ratings[b]) >= config.margin
    }
    for key in shuffled(apart, config.seed, person.name)[: config.items]:
        worse, better = sorted(apart[key], key=person.ratings.__getitem__)
        yield Pair(person, better, worse)


def _items(suite: str, pair: Pair) -> Iterator[EvalItem]:
    person = pair.person
    for task, first, second in (
        ("better_first", pair.better, pair.worse),
        ("better_second", pair.worse, pair.better),
    ):
        yield EvalItem(
            suite=suite,
            persona_id=persona_id(NAME, person.name),
            system=render_prompt(person.persona),
            persona=person.persona,
            questions=(f"Which of the two do you prefer: {first} or {second}? Name one of them.",),
            answers=(Choice(prefers=pair.better, over=pair.worse).as_json(),),
            task=task,
            dimensions=("agrees",),
            domain=Domain.none,
        )
