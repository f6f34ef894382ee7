"""What holds of every suite."""

import pytest

from opencharacter.config import SuiteConfig, SuiteName
from opencharacter.errors import SourceError
from opencharacter.evaluation.suites import load_suite, stages_read
from tests.evaluation.people import write_run

OF_FILES = [
    SuiteName.persona_gym,
    SuiteName.preference_probe,
    SuiteName.role_bench,
    SuiteName.character_eval,
    SuiteName.coser,
    SuiteName.rp_bench,
]
OF_RUNS = [
    SuiteName.in_domain,
    SuiteName.out_of_domain,
    SuiteName.profile_facts,
    SuiteName.multi_turn,
]
EMPTY = {"nothing": "", "blank lines": "\n \n", "an empty list": "[]"}


def test_every_suite_is_looked_at_here():
    assert {*OF_FILES, *OF_RUNS, SuiteName.retention} == {*SuiteName}


def asked(tmp_path, name, path):
    """Return the settings of a suite of a file; some need one with their characters beside it."""
    about = tmp_path / "about.json"
    about.write_text('{"Ann": "She bakes."}')
    return SuiteConfig(name=name, path=str(path), profiles=str(about))


@pytest.mark.parametrize("name", OF_FILES + OF_RUNS[:2])
@pytest.mark.parametrize("text", EMPTY.values(), ids=EMPTY)
def test_a_file_that_asks_nothing_is_no_suite(tmp_path, name, text):
    path = tmp_path / ("empty.json" if text == "[]" else "empty.jsonl")
    path.write_text(text)
    run_dir = write_run(tmp_path / "run")

    with pytest.raises(SourceError, match=r"empty\.json"):
        load_suite(asked(tmp_path, name, path), run_dir)


@pytest.mark.parametrize("name", OF_FILES + OF_RUNS[:2])
def test_a_folder_without_a_file_is_no_suite(tmp_path, name):
    path = tmp_path / "nothing here"
    path.mkdir()

    with pytest.raises(SourceError, match="nothing here"):
        load_suite(asked(tmp_path, name, path), write_run(tmp_path / "run"))


@pytest.mark.parametrize("name", OF_RUNS)
def test_a_run_of_nobody_is_no_suite(tmp_path, name):
    run_dir = write_run(tmp_path / "nobody", people=[], met=())

    with pytest.raises(SourceError, match=r"nobody|no held-out|nothing to ask"):
        load_suite(SuiteConfig(name=name), run_dir)
    assert stages_read(SuiteConfig(name=name))


def test_questions_of_our_own_are_always_there(tmp_path):
    assert load_suite(SuiteConfig(name=SuiteName.retention), tmp_path).items
