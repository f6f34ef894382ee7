"""What would spoil a win: contradictions and failures stand beside the comparison."""

from dataclasses import replace

import pytest

from opencharacter.compare.faults import paired_faults
from opencharacter.compare.systems import systems_of
from opencharacter.config import CompareConfig
from opencharacter.job.comparing import write_comparison
from opencharacter.records import Failure
from tests.compare.played import results, score


def run_of(name, *, contradicts=lambda n: 0.0, failure=lambda n: None):
    """Return a run of 16 characters, by number: whether a fact is contradicted, what failed."""
    given = results(16, run=name)
    number = {t.id: int(t.persona_id.removeprefix("persona-")) for t in given.transcripts}
    rule = [
        replace(
            score(t, contradicts(number[t.id]), judge="rule", criterion="fact_contradicted"),
            labels=(),
            probabilities=(),
        )
        for t in given.transcripts
    ]
    played = [replace(t, failure=failure(number[t.id])) for t in given.transcripts]
    return replace(given, transcripts=played, scores=[*given.scores, *rule])


def test_contradictions_and_failures_are_paired_by_item():
    clean = run_of("a")
    cut = run_of("b", contradicts=lambda n: float(n < 4),
                 failure=lambda n: Failure.truncated if n < 8 else None)  # fmt: skip
    found = {each.fault: each for each in paired_faults(systems_of([clean, cut], []),
                                                        [clean, cut], level=0.95)}  # fmt: skip

    assert [*found] == ["fact_contradicted", "truncated"]
    assert [one.value for one in found["truncated"].rates] == [0.0, 0.5]  # 8 of 16
    assert found["fact_contradicted"].difference.value == pytest.approx(4 / 16)
    assert found["truncated"].p == 2 / 2**8  # 8 differ, all in one way
    assert found["truncated"].p_holm == 2 * found["truncated"].p


def test_a_comparison_says_who_is_cut_off_more(tmp_path, capsys):
    runs = [run_of("a"), run_of("b", failure=lambda n: Failure.truncated if n < 8 else None)]
    write_comparison(tmp_path, systems_of(runs, []), runs, CompareConfig())

    assert "b has more truncated than a: 0.50 [" in capsys.readouterr().out
    text = (tmp_path / "compare.md").read_text(encoding="utf-8")
    assert "## What would spoil it" in text
    assert "| b − a, truncated | 0.50 [" in text


def test_without_faults_there_is_no_table(tmp_path):
    runs = [run_of("a"), run_of("b")]
    write_comparison(tmp_path, systems_of(runs, []), runs, CompareConfig())

    assert "spoil" not in (tmp_path / "compare.md").read_text(encoding="utf-8")
