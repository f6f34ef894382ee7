"""What a checklist of facts comes to: nothing contradicted, and how much is shown."""

from dataclasses import replace

import pytest

from opencharacter.compare.reporting import report_of
from opencharacter.compare.tables import tables_of
from opencharacter.config import ReportConfig
from opencharacter.records import Failure
from tests.compare.played import failed, item, results, score


def checked(of, probabilities, fact="age", **about):
    """Return the score of a fact: contradicted, open and shown have these probabilities."""
    mass = sum(probabilities)
    value = (probabilities[1] + probabilities[2]) / mass if mass else None
    given = score(of, value, criterion=f"fact:{fact}", **about)
    return replace(given, labels=("0", "1", "2"), probabilities=probabilities, mass=mass)


def rows_of(*scores, transcripts=()):
    given = results(4)
    transcripts = [*given.transcripts, *transcripts]
    report = report_of(
        replace(given, transcripts=transcripts, scores=[*given.scores, *scores]), ReportConfig()
    )
    return report, {row.name: row.overall for row in report.criteria_rows}


def test_coverage_is_the_share_of_facts_that_answers_show():
    one, other, *_ = results(4).transcripts
    report, rows = rows_of(
        checked(one, (0.1, 0.3, 0.4)),  # shown 0.5 of what the labels have
        checked(one, (0.0, 0.9, 0.1), "job"),
        checked(other, (0.2, 0.1, 0.7)),
    )

    assert rows["fact_shown"].value == pytest.approx(((0.5 + 0.1) / 2 + 0.7) / 2)
    assert rows["fact"].value == pytest.approx(((0.875 + 1) / 2 + 0.8) / 2)
    [table] = [each for each in tables_of(report) if each.title == "By criterion"]
    assert any("fact_shown (coverage: share of" in line[0] for line in table.lines)
    assert report.criteria == ["consistency", "habits"]


def test_an_answer_that_is_no_role_play_shows_nothing():
    lost = failed(item(0), Failure.refusal)
    one = results(4).transcripts[1]
    unscored = replace(
        score(lost, None, criterion="fact:age", unscored="candidate_refusal"), labels=()
    )
    _, rows = rows_of(checked(one, (0.0, 0.2, 0.8)), unscored, transcripts=[lost])

    assert rows["fact_shown"].value == pytest.approx(0.4)


def test_verdicts_in_json_say_nothing_of_coverage():
    one = results(4).transcripts[0]
    _, rows = rows_of(replace(score(one, 1.0, criterion="fact:age"), probabilities=()))

    assert "fact_shown" not in rows
    written = replace(score(one, 1.0, criterion="fact:age", judge="j@1"), probabilities=())
    _, both = rows_of(written, checked(one, (0.0, 0.7, 0.3)))
    assert both["fact_shown"].value == pytest.approx(0.3)
