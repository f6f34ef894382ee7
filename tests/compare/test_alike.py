"""Runs of one model as one, and what keeps runs apart."""

from dataclasses import replace

import pytest

from opencharacter.compare.alike import joined
from opencharacter.compare.reporting import report_of
from opencharacter.compare.systems import check_alike, systems_of
from opencharacter.config import ReportConfig
from opencharacter.errors import ConfigError
from opencharacter.records import Domain
from tests.compare.played import results, score


def half(domain, *, run="a", rubric="ours@1", is_json=False, **about):
    """Return what a run has of one domain."""
    given = results(12, run=run, **about)
    found = [t for t in given.transcripts if t.domain is domain]
    kept = {t.id for t in found}
    scores = [
        replace(s, rubric=rubric, probabilities=(), mass=None)
        if is_json
        else replace(s, rubric=rubric)
        for s in given.scores
        if s.transcript_id in kept
    ]
    return replace(given, transcripts=found, scores=scores)


@pytest.mark.parametrize(
    ("otherwise", "told"),
    [
        ({"rubric": "ours@2"}, "a by judge-a@1 by ours@1, a-out by judge-a@1 by ours@2"),
        ({"judges": ("judge-b@1",)}, "a by judge-a@1 by ours@1, a-out by judge-b@1 by ours@1"),
        ({"is_json": True}, "a by judge-a@1 by ours@1, a-out by judge-a@1 by ours@1 in JSON"),
    ],
)
def test_halves_that_were_judged_otherwise_are_no_report(otherwise, told):
    inside, outside = half(Domain.inside), half(Domain.outside, run="a-out", **otherwise)

    with pytest.raises(ConfigError, match=f"judged differently in consistency: {told}"):
        joined([inside, outside])


def test_halves_that_were_judged_alike_are_one_report():
    inside, outside = half(Domain.inside), half(Domain.outside, run="a-out")
    silent = [
        replace(s, value=None, unscored="off_format", probabilities=(), mass=None)
        for s in outside.scores
    ]

    found = report_of(joined([inside, outside]), ReportConfig())
    assert (found.withheld, found.gap.value) == ([], pytest.approx(1.0))
    assert len(joined([inside, replace(outside, scores=silent)]).scores) == 24


def test_a_suite_of_rules_joins_one_of_judges():
    inside, outside = half(Domain.inside), half(Domain.outside, run="a-out")
    rule = [
        replace(score(t, 1.0, judge="rule", criterion="fact_stated"), rubric="facts@1", mass=None)
        for t in outside.transcripts
    ]

    assert len(joined([inside, replace(outside, scores=rule)]).scores) == 24


def test_a_published_protocol_is_withheld_from_a_joint_report_too():
    outside = half(Domain.outside, run="a-out")
    published = replace(outside, published={"protocol": "as published", "means": {}})
    found = report_of(joined([half(Domain.inside), published]), ReportConfig())

    assert found.withheld == ["By a published protocol: as published."]


def test_verdicts_in_json_are_not_compared_with_expected_values():
    runs = [half(Domain.outside, run="a"), half(Domain.outside, run="b", is_json=True)]

    with pytest.raises(ConfigError, match="b by judge-a@1 by ours@1 in JSON"):
        check_alike(systems_of(runs, []))
