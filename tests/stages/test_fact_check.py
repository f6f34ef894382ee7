"""The fact check as a user sets it: what is paid once is not paid again, and accounting closes."""

import json

import pytest

from opencharacter.errors import ConfigError
from opencharacter.records import Response
from opencharacter.store.rows import read_columns, read_records

CONTRADICTS = "contradicts_profile_by_llm"


def folder(tmp_path, stage="generate"):
    return tmp_path / "runs" / "t" / stage


def manifest(tmp_path, stage="generate"):
    return json.loads((folder(tmp_path, stage) / "manifest.json").read_text())


def logged(tmp_path, stage="generate"):
    keys = [
        json.loads(line)["key"]
        for path in (folder(tmp_path, stage) / "completions").glob("*.jsonl")
        for line in path.read_text().splitlines()
    ]
    assert len(keys) == len(set(keys))
    return len(keys)


@pytest.mark.parametrize("stage", ["generate", "rewrite"])
def test_a_later_check_pays_for_verdicts_alone(opencharacter, tmp_path, stage):
    assert opencharacter("stage=synth").returncode == 0
    plain = {r.id: r for r in read_records(folder(tmp_path, stage) / "data", Response)}
    before = logged(tmp_path, stage)

    refused = opencharacter(f"stage={stage}", f"{stage}.fact_check=mark")
    done = opencharacter(f"stage={stage}", f"{stage}.fact_check=mark", "force=true")

    assert f"{stage}.fact_check 'none' -> 'mark'" in refused.stderr
    assert done.returncode == 0, done.stderr
    assert logged(tmp_path, stage) - before == len(plain) == 36
    marked = {r.id: r for r in read_records(folder(tmp_path, stage) / "data", Response)}
    assert {id_: r.messages for id_, r in marked.items()} == {
        id_: r.messages for id_, r in plain.items()
    }
    found = manifest(tmp_path, stage)
    n_marked = sum(CONTRADICTS in r.marks for r in marked.values())
    assert found["counts"]["notes"][f"marked {CONTRADICTS}"] == n_marked > 0
    assert f"{stage}: {n_marked} marked {CONTRADICTS}" in done.stderr
    assert found["usage"]["calls"] == logged(tmp_path, stage)


def test_rejecting_what_was_marked_asks_nothing(opencharacter, tmp_path):
    given = ("generate.max_rejected=0.9", "generate.fact_check=mark")
    assert opencharacter("stage=synth", *given).returncode == 0
    notes = manifest(tmp_path)["counts"]["notes"]
    before = logged(tmp_path)

    given = ("generate.max_rejected=0.9", "generate.fact_check=reject", "force=true")
    assert opencharacter("stage=generate", *given).returncode == 0

    counts = manifest(tmp_path)["counts"]
    n = notes[f"marked {CONTRADICTS}"]
    assert (logged(tmp_path), counts["rejected"]) == (before, {CONTRADICTS: n})
    assert counts["in"] == counts["out"] + n == 36
    [(detail, *_), *_] = read_columns((folder(tmp_path) / "rejected").glob("*"), ["detail"])
    assert "' against '" in detail


def test_off_is_called_none_and_the_error_says_so(opencharacter):
    with pytest.raises(ConfigError, match=r"expected one of \[none, mark, reject\]"):
        opencharacter("stage=generate", "generate.fact_check=off")


def test_a_preview_shows_the_verdict_too(opencharacter):
    assert opencharacter("stage=synth").returncode == 0

    done = opencharacter("stage=generate", "generate.fact_check=mark", "preview=1")

    assert "call 3, stop" in done.stdout
    assert '{"contradictions":' in done.stdout
    assert "  remarks:" in done.stdout


def test_a_mixture_takes_marked_dialogues(opencharacter, tmp_path):
    assert (
        opencharacter("stage=synth", "generate.fact_check=mark", "synth.mix=true").returncode == 0
    )

    assert manifest(tmp_path, "mix")["counts"]["out"] == 72
