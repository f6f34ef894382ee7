"""Criteria of which less is better: the run that is better, and the transcripts that are worst."""

from dataclasses import replace

import pytest

from opencharacter.compare.compare_page import compare_markdown, sentences
from opencharacter.compare.differences import comparison_of
from opencharacter.compare.embedding import embedded, shown_of
from opencharacter.compare.report_page import headline_words, report_markdown
from opencharacter.compare.reporting import report_of
from opencharacter.compare.results import marks_of
from opencharacter.compare.systems import systems_of
from opencharacter.config import CompareConfig, ReportConfig
from opencharacter.errors import ConfigError
from tests.compare.played import results, score

ASKED = ("fact_contradicted",)


def contradicting(run, share):
    """Return a run that contradicts this share of its facts."""
    given = results(24, run=run)
    scores = [
        score(each, float(n * 7 % 24 < share * 24), judge="rule", criterion="fact_contradicted")
        for n, each in enumerate(given.transcripts)
    ]
    return replace(given, scores=[replace(s, labels=(), probabilities=()) for s in scores])


def compared(*runs, criteria=ASKED):
    return comparison_of(systems_of(runs, criteria), CompareConfig())


def test_who_contradicts_its_profile_less_plays_better():
    found = compared(contradicting("a", 0.1), contradicting("b", 0.8))

    [told] = sentences(found)
    assert told.startswith("a plays unseen characters better than b: it has 0.67 of 1 less of ")
    assert found.main[0].difference.estimate.value == pytest.approx(2 / 3)
    assert found.main[0].difference.better < 0.01
    assert "headline over fact_contradicted (less is better)" in compare_markdown(found)


def test_a_headline_of_faults_says_that_less_is_better():
    given = contradicting("b", 0.8)
    report = report_of(given, ReportConfig(criteria=ASKED))

    what, gap, *means = headline_words(report)
    assert what == "- Share of facts contradicted, by rule, 0 to 1:"
    assert gap.endswith("fact_contradicted, of which less is better.")
    assert [each.endswith("(less is better)") for each in means] == [True, True]
    assert "headline over fact_contradicted (less is better)" in report_markdown(report, given)


def test_faults_and_merits_have_no_mean():
    given = contradicting("a", 0.5)
    both = replace(given, scores=[*given.scores, *results(24, run="a").scores])

    with pytest.raises(
        ConfigError, match="of fact_contradicted less is better, and of habits more"
    ):
        compared(both, replace(both, run="b"), criteria=(*ASKED, "habits"))


def test_of_faults_the_transcripts_with_the_most_are_the_worst():
    given = contradicting("a", 0.5)
    marks = marks_of(given)
    listed = shown_of(given, marks, ASKED)

    assert [each.score for each in listed] == [1.0] * 24 + [0.0] * 24
    assert '"faults":[0],"less_is_better":true' in embedded([given], listed, most=99).summary
    assert '"less_is_better":false' in embedded([given], shown_of(given, marks, ()), most=9).summary
