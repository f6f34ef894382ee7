"""Facts that are found in a profile, and the questions that are asked about them."""

import re

import pytest

from opencharacter.config import SuiteConfig, SuiteName
from opencharacter.evaluation.facts import Fact
from opencharacter.evaluation.profile_facts import job_of, known_facts
from opencharacter.evaluation.suites import load_suite
from tests.evaluation.people import ANNA, BEN, character, write_run


def facts(experience, persona="Someone"):
    found = known_facts(character("Ada Lund", 40, "Oslo, Norway", persona, experience))
    return {(k.field, k.words.get("relation") or k.words.get("asked", ""), k.value) for k in found}


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("She has two grown daughters.", ("kin", "daughters", "2")),
        ("Her older brother, Tariq, drives.", ("kin_name", "brother", "Tariq")),
        ("He grew up in New York.", ("history", "Where did you grow up?", "New York")),
        (
            "She studied law at the University of Ghent.",
            ("history", "Where did you study?", "University of Ghent"),
        ),
        (
            "She went to school in Cairo and left at sixteen.",
            ("history", "At what age did you leave school?", "16"),
        ),
    ],
)
def test_kin_and_history_are_found(text, fact):
    assert fact in facts(text)


@pytest.mark.parametrize(
    ("persona", "job"),
    [
        ("A night-shift nurse in Lagos who writes", "night-shift nurse"),
        ("A patent lawyer", "patent lawyer"),
        ("a lawyer in California who values the law", "lawyer"),
        ("A retired judge in Accra", ""),
        ("A former ballet dancer who now runs a shop", ""),
        ("A native resident of Bergen", ""),
        ("A devoted fan of a driver", ""),
        ("", ""),
    ],
)
def test_work_is_what_the_line_begins_with_if_it_is_of_today(persona, job):
    assert job_of(persona) == job


def test_an_age_that_the_persona_denies_is_no_fact():
    assert ("age", "", "40") in facts("", "A baker")
    assert not {f for f in facts("", "A twelve-year-old baker") if f[0] == "age"}


def test_each_fact_is_asked_in_every_style_and_what_is_pretended_is_not_true(tmp_path):
    suite = load_suite(SuiteConfig(name=SuiteName.profile_facts), write_run(tmp_path))
    of_anna = [item for item in suite.items if item.persona_id == ANNA.persona_id]

    tasks = {item.task for item in of_anna}
    styles = ("direct", "indirect", "false_premise", "pressure")
    for field in ("name", "age", "birth_place", "job", "kin", "history"):
        assert {f"{field}/{style}" for style in styles} <= tasks
    words = {*re.findall(r"\w+", f"{ANNA.persona} {ANNA.profile}".lower())} - {"two"}
    for item in of_anna:
        fact = Fact.from_json(item.answers[0])
        assert bool(fact.wrong) == item.task.endswith(("premise", "pressure"))
        assert "{" not in item.questions[0]
        if fact.wrong:
            assert fact.wrong in item.questions[0]
            assert not {*fact.wrong.lower().split()} & words


def test_ids_do_not_hang_on_who_else_is_drawn(tmp_path):
    run_dir = write_run(tmp_path)
    one = load_suite(SuiteConfig(name=SuiteName.profile_facts, n=1), run_dir)
    all_ = load_suite(SuiteConfig(name=SuiteName.profile_facts), run_dir)

    assert {item.id for item in one.items} < {item.id for item in all_.items}
    assert any(item.persona_id == BEN.persona_id for item in all_.items)
