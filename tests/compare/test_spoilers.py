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


def test_what_the_engine_failed_at_is_nobodys_fault():
    # a: 8 of 16 cut off. b: 12 lost to the engine, and the 4 others all cut off.
    mine = run_of("a", failure=lambda n: Failure.truncated if n < 8 else None)
    lost = run_of("b", failure=lambda n: Failure.error if n >= 4 else Failure.truncated)
    [found] = paired_faults(systems_of([mine, lost], []), [mine, lost], level=0.95)

    assert found.fault == "truncated"
    assert [one.value for one in found.rates] == [1.0, 1.0]  # on the four that both played
    assert found.difference.clusters == 4


def test_a_difference_of_shares_stays_between_less_and_more_of_all():
    runs = [run_of("a"), run_of("b", failure=lambda n: Failure.refusal if n < 14 else None)]
    [found] = paired_faults(systems_of(runs, []), runs, level=0.95)

    assert -1 <= found.difference.low < found.difference.high <= 1


def test_of_a_part_of_a_suite_nobody_is_said_to_fail_more(tmp_path, capsys):
    runs = [run_of("a"), run_of("b", failure=lambda n: Failure.truncated if n < 8 else None)]
    runs = [replace(each, incomplete=["12 of 200 personas are there"]) for each in runs]
    write_comparison(tmp_path, systems_of(runs, []), runs, CompareConfig())

    assert "has more" not in capsys.readouterr().out
    assert "| b − a, truncated | 0.50 [" in (tmp_path / "compare.md").read_text(encoding="utf-8")
