import pytest

from opencharacter.checks.answers import CHECKS, Answer, problems
from opencharacter.checks.problem import Problem
from opencharacter.config import GenerateConfig


def test_the_checks_that_reject_by_default_exist():
    assert set(GenerateConfig().reject) <= set(CHECKS)


@pytest.mark.parametrize("answer", ["", " ", "\n\t "])
def test_nothing_said_is_empty(answer):
    assert [p.reason for p in problems(Answer(text=answer, question="?"))] == ["empty"]


def test_the_first_check_names_the_reason():
    both = "<|eot_id|> As an AI, I cannot."

    found = list(problems(Answer(text=both, question="?")))

    assert found[0] == Problem("control_tokens", "'<|eot_id|>' at character 0")
    assert [problem.reason for problem in found] == ["control_tokens", "breaks_character"]


def test_only_the_checks_that_are_named_are_made():
    answer = Answer(text="<|eot_id|> As an AI, I cannot.", question="?")

    assert [p.reason for p in problems(answer, {"breaks_character"})] == ["breaks_character"]
