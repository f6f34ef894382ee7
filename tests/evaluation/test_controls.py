"""Controls: which of them each suite has, and that each changes what is shown."""

import pytest

from opencharacter.config import PlayConfig, SuiteConfig, SuiteName
from opencharacter.evaluation.playing import tasks_of
from opencharacter.evaluation.suites import load_suite
from opencharacter.records import Control, Domain
from tests.evaluation import test_preferences, test_published
from tests.evaluation.gym import write_gym
from tests.evaluation.people import write_run

PROFILES = {"Ahab": "A captain.", "Ishmael": "A sailor.", "甲": "厨子。", "丁": "船长。"}
ROLES = [test_published.ROLE, test_published.ROLE | {"role": "Ishmael"}]
HELPER = {"book": "C", "character_profiles": {"Ann": "Ann washes up."}}
SCENES = [test_published.SCENE, test_published.SCENE | HELPER]
CHINESE = [
    test_published.CHINESE,
    test_published.CHINESE | {"role": "丁", "context": "乙：你好。\n丁：早。\n乙：走吧。"},
]
NPCS = [
    test_published.NPC,
    test_published.NPC | {"id": 5, "npc_profile": {"name_text": "Zoe", "title": "z"}},
]
PUBLISHED = {"role_bench": ROLES, "character_eval": CHINESE, "coser": SCENES, "rp_bench": NPCS}
ONE_TEXT = ["none", "no_persona", "swapped_persona"]
"""Of suites whose personas have no profile besides their text."""
PROFILED = [*ONE_TEXT, "persona_only"]
HAVE = {
    "persona_gym": ONE_TEXT,
    "in_domain": PROFILED,
    "out_of_domain": PROFILED,
    "profile_facts": PROFILED,
    "multi_turn": PROFILED,
    "preference_probe": ONE_TEXT,
    "role_bench": PROFILED,
    "character_eval": PROFILED,
    "coser": PROFILED,
    "rp_bench": PROFILED,
    "retention": ["none"],
}


def suite_of(tmp_path, name):
    if name in PUBLISHED:
        return test_published.load(tmp_path, name, *PUBLISHED[name], profiles=PROFILES)
    if name == "preference_probe":
        return test_preferences.load(tmp_path)
    path = str(write_gym(tmp_path / "gym")) if name == "persona_gym" else ""
    run_dir = write_run(tmp_path)
    return load_suite(SuiteConfig(name=SuiteName[name], path=path, items=2), run_dir)


def test_no_suite_is_forgotten():
    assert set(HAVE) == set(SuiteName)


@pytest.mark.parametrize("name", HAVE)
def test_a_suite_has_domains_where_a_mixture_could_hold_whom_it_plays(tmp_path, name):
    domains = {item.domain for item in suite_of(tmp_path, name).items}

    assert (domains == {Domain.none}) == (name in {"retention", "preference_probe"})


@pytest.mark.parametrize("name", HAVE)
def test_each_suite_has_the_controls_that_change_something(tmp_path, name):
    suite = suite_of(tmp_path, name)
    tasks = tasks_of(suite, PlayConfig(controls=["all"]))

    assert list(dict.fromkeys(str(task.control) for task in tasks)) == HAVE[name]
    for task in tasks:
        is_bare = task.control is Control.no_persona or name == "retention"
        assert (task.system == "") == is_bare
        assert (task.system == task.item.system) == (task.control is Control.none)
    assert len(tasks) == len(HAVE[name]) * len(suite.items)
