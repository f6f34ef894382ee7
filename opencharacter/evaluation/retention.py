"""The suite `retention`: general questions without any character, scored by rule.

Played before and after a training it shows what the training has cost. It is small and easy on
purpose, so that a small model's losses are seen too; docs/evaluation.md names the usual benchmarks.
"""

from collections.abc import Sequence
from typing import Any

from opencharacter.config import SuiteConfig
from opencharacter.errors import SourceError
from opencharacter.evaluation.expected import Expected
from opencharacter.evaluation.suite import Suite
from opencharacter.evaluation.templates import hashed_name, read_rows, suite_file
from opencharacter.ids import shuffled
from opencharacter.records import Domain, EvalItem, persona_id

NAME = "retention"


def read_retention(config: SuiteConfig) -> Suite:
    """Return the questions, or a draw of `suite.n` of them.

    Raises:
        SourceError: there are not so many.
    """
    rows = {row["id"]: row for row in read_rows(suite_file(NAME))}
    if config.n is not None and config.n > len(rows):
        raise SourceError(f"suite.n={config.n:,} asks for more than the {len(rows)} questions")
    order = sorted(rows) if config.n is None else shuffled(rows, config.seed)[: config.n]
    name = hashed_name(NAME, suite_file(NAME))
    is_part = len(order) < len(rows)
    return Suite(
        name=name,
        items=tuple(_item(name, rows[id_]) for id_ in order),
        n_personas=len(rows),
        n_drawn=len(order),
        missing=(f"{len(order)} of {len(rows)} questions are asked",) if is_part else (),
    )


def _item(suite: str, row: dict[str, Any]) -> EvalItem:
    any_of: Sequence[str] = row.get("any_of", ())
    return EvalItem(
        suite=suite,
        persona_id=persona_id(NAME, row["id"]),  # each question is a unit of its own
        system="",
        persona="",
        questions=(row["question"],),
        answers=(Expected(any_of=tuple(any_of), pattern=row.get("pattern", "")).as_json(),),
        task=row["id"].partition("/")[0],
        dimensions=("correct",),
        domain=Domain.none,
    )
