"""The layouts of docs/suites.md are those that the loaders read."""

import json
import re
from pathlib import Path

import pytest

from opencharacter.config import SuiteConfig, SuiteName
from opencharacter.errors import SourceError
from opencharacter.evaluation.suites import load_suite

PAGE = (Path(__file__).parents[2] / "docs" / "suites.md").read_text(encoding="utf-8")
SUITES = ["role_bench", "character_eval", "coser", "rp_bench", "preference_probe"]


def blocks(suite):
    """Return the row of a suite that its section shows, and the profiles where there are some."""
    section = PAGE.partition(f"\n## {suite}\n")[2].partition("\n## ")[0]
    return [json.loads(text) for text in re.findall(r"```json[ \w]*\n(.*?)```", section, re.DOTALL)]


def load(tmp_path, suite, row, profiles=None):
    (tmp_path / "rows.jsonl").write_text(json.dumps(row) + "\n")
    settings = {}
    if profiles is not None:
        (tmp_path / "profiles.json").write_text(json.dumps(profiles))
        settings["profiles"] = str(tmp_path / "profiles.json")
    config = SuiteConfig(name=SuiteName[suite], path=str(tmp_path / "rows.jsonl"), **settings)
    return load_suite(config, tmp_path)


@pytest.mark.parametrize("suite", SUITES)
def test_the_row_that_the_page_shows_is_played(tmp_path, suite):
    found = load(tmp_path, suite, *blocks(suite))

    assert (len(found.items) >= 1, found.damaged) == (True, ())


@pytest.mark.parametrize("suite", ["role_bench", "character_eval", "coser", "rp_bench"])
def test_a_row_that_lacks_fields_is_told_all_of_them_in_words(tmp_path, suite):
    row, *profiles = blocks(suite)
    needed = {name for name in row if name not in {"type", "novel_name", "tag"}}
    [rejection] = load(tmp_path, suite, {"odd": 1}, *profiles).damaged

    assert rejection.reason == "missing_key"
    assert all(re.search(rf"\b{name}\b", rejection.detail) for name in needed), rejection.detail
    assert "docs/suites.md" in rejection.detail


def test_fields_inside_fields_are_told_by_their_place(tmp_path):
    [row] = blocks("rp_bench")
    del row["background"], row["npc_profile"]["name_text"], row["conversation"][0]["sentences"]
    [rejection] = load(tmp_path, "rp_bench", row).damaged

    lacks = "it lacks background, npc_profile.name_text and conversation[0].sentences"
    assert rejection.detail.startswith(lacks)


@pytest.mark.parametrize("suite", ["role_bench", "character_eval"])
def test_a_suite_whose_characters_are_in_a_file_of_their_own_asks_for_it(tmp_path, suite):
    with pytest.raises(SourceError, match=rf"suite={suite} needs suite.profiles, .*docs/suites.md"):
        load(tmp_path, suite, blocks(suite)[0])
