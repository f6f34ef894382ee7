"""Scores by rule of whole transcripts: what failed is a zero or missing, and which is which."""

import ast
import importlib
from contextlib import suppress
from pathlib import Path

import pytest

from opencharacter.evaluation import expected, facts
from opencharacter.evaluation.facts import Fact, Field
from opencharacter.evaluation.rules import rule_scores
from opencharacter.records import (
    Control,
    Domain,
    EvalItem,
    Failure,
    Message,
    Role,
    Transcript,
    Usage,
)
from tests.evaluation.people import CALL

AGE = Fact(field=Field.age, value="42").as_json()
ITEM = EvalItem(
    suite="s@1",
    persona_id="persona-1",
    system="",
    persona="A baker",
    questions=("How old are you?", "Nice weather.", "How old were you again?"),
    answers=(AGE, "", AGE),
    task="t",
    dimensions=("fact_stated",),
    domain=Domain.unknown,
)


def transcript(answers, failures):
    messages = []
    for question, answer in zip(ITEM.questions, [*answers, None, None], strict=False):
        messages.append(Message(role=Role.user, content=question))
        if answer is None:
            break
        messages.append(Message(role=Role.assistant, content=answer))
    first = next(filter(None, failures), None)
    return Transcript(
        item_id=ITEM.id,
        persona_id=ITEM.persona_id,
        suite=ITEM.suite,
        task=ITEM.task,
        domain=ITEM.domain,
        model="m@1",
        control=Control.none,
        sample=0,
        messages=tuple(messages),
        failure=Failure(first) if first else None,
        turn_failures=tuple(failures),
        finish_reasons=(),
        call=CALL,
        usage=Usage(),
    )


def scored(answers, failures):
    scores = rule_scores(ITEM, transcript(answers, failures))
    return [(s.turn, s.criterion[5:], s.value, s.unscored) for s in scores]


def test_only_turns_that_ask_for_a_fact_are_scored():
    assert scored(["I am 42.", "Indeed.", "I am 43."], ["", "", ""]) == [
        (0, "stated", 1.0, None),
        (0, "contradicted", 0.0, None),
        (2, "stated", 0.0, None),
        (2, "contradicted", 1.0, None),
    ]


@pytest.mark.parametrize("failure", ["truncated", "refusal", "leaves_character"])
def test_a_bad_answer_counts_as_what_it_says(failure):
    found = scored(["I am 42 and", "", "As an AI I have no age."], [failure, "", failure])

    assert [value for _, _, value, _ in found] == [1.0, 0.0, 0.0, 0.0]


def test_an_empty_answer_says_nothing_and_so_do_the_turns_after_it():
    assert [v for _, _, v, _ in scored([], ["empty"])] == [0.0, 0.0, 0.0, 0.0]


def test_a_fault_of_the_engine_is_missing_and_never_a_zero():
    found = scored(["I am 42.", "Yes."], ["", "", "error"])
    assert found[2:] == [(2, "stated", None, "error"), (2, "contradicted", None, "error")]

    found = scored(["I am 42."], ["", "error"])
    assert [unscored for *_, unscored in found] == [None, None, "not_reached", "not_reached"]


def test_scores_name_the_rules_and_have_ids_of_their_own():
    scores = list(rule_scores(ITEM, transcript(["I am 42.", "", "42"], ["", "", ""])))

    assert {s.judge for s in scores} == {"rule"}
    assert {s.rubric.partition("@")[0] for s in scores} == {"facts"}
    assert len({s.id for s in scores}) == 4


def parts_of(module):
    """Return the files that a module's rules are read from, found by its imports."""
    tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
    names = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    names |= {f"{node.module}.{name.name}" for node in ast.walk(tree)
              if isinstance(node, ast.ImportFrom) for name in node.names}  # fmt: skip
    found = {Path(module.__file__)}
    for name in names:
        if name.startswith(("opencharacter.checks.", "opencharacter.evaluation.")):
            with suppress(ModuleNotFoundError):
                found |= parts_of(importlib.import_module(name))
    return found


@pytest.mark.parametrize("rules", [facts, expected], ids=["facts", "expected"])
def test_the_name_of_the_rules_has_a_hash_of_every_file_that_they_are_in(rules):
    assert parts_of(rules) <= set(rules.FILES)
    assert len(parts_of(rules)) > 1


def test_the_list_of_places_is_a_part_of_the_rules():
    assert "places.txt" in {path.name for path in facts.FILES}
