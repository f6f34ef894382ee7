"""Whose judge cards stand behind a headline, and what is said of them."""

from dataclasses import replace

import pytest

from opencharacter.compare.alike import joined, said
from opencharacter.compare.embedding import embedded
from opencharacter.compare.report_page import report_markdown, report_page
from opencharacter.evaluation.juries import jury_of
from opencharacter.records import Domain
from tests.compare.played import results
from tests.compare.reported import report

JUDGE = "judge-a@1"
RATE = {"share": 1.0, "low": 0.9, "high": 1.0, "n": 40, "unscored": 0}
CARD = {
    "is_calibrated": True,
    "people": {"labelled": 40},
    "detects": {"contradiction": RATE},
    "keeps": {},
    "scored": RATE,
    "verdict": "meets the bar",
    "calibration": "labelled by people",
    "below": [],
    "few": [],
}
BELOW = CARD | {"verdict": "is below the bar", "below": ["finds contradiction in 10% of 40"]}


def half(domain, run, card, **about):
    """Return what a run has of one domain, and of its judge's card."""
    given = results(12, **about)
    scores = [s for s in given.scores if given.items[s.item_id].domain is domain]
    return replace(
        given,
        run=run,
        transcripts=[t for t in given.transcripts if t.domain is domain],
        scores=scores,
        cards={JUDGE: card} if card else {},
        card_hashes={JUDGE: f"hash of {run}"} if card else {},
    )


def both(card, other):
    return joined([half(Domain.inside, "main", card), half(Domain.outside, "main-out", other)])


@pytest.mark.parametrize(("cards", "whose"), [((None, CARD), "main"), ((CARD, None), "main-out")])
def test_a_card_of_one_run_says_nothing_of_the_other(cards, whose):
    found = report(both(*cards))

    assert found.title.endswith("(uncalibrated)")
    assert f"{whose}: {JUDGE} has no judge card: nobody has tested it (stage=qualify)." in (
        found.cautions
    )
    assert any(told.startswith(f"{whose}: Uncalibrated") for told in found.cautions)


@pytest.mark.parametrize(("cards", "whose"), [((BELOW, CARD), "main"), ((CARD, BELOW), "main-out")])
def test_what_either_card_falls_short_of_is_told_and_both_are_cited(cards, whose):
    given = both(*cards)
    found = report(given)
    text, page = report_markdown(found, given), report_page(found, given, embedded([], [], most=0))

    assert not found.title.endswith("(uncalibrated)")
    assert f"{whose}: {JUDGE} is below the bar of its card: finds contradiction" in text
    cited = {f"{JUDGE} (main)": "hash of main", f"{JUDGE} (main-out)": "hash of main-out"}
    assert found.card_hashes == cited
    for label, sha256 in cited.items():
        assert f"{label} {sha256}" in text
        assert f"## Judge card of {label}" in text
        assert f"<h3>{label}</h3><p>sha256 {sha256}</p>" in page


def test_what_both_runs_lack_is_said_once():
    told = report(both(None, None)).cautions

    assert [each for each in told if "no judge card" in each] == [
        f"{JUDGE} has no judge card: nobody has tested it (stage=qualify)."
    ]


def test_a_judge_that_one_run_left_out_is_told_with_the_run():
    inside, outside = half(Domain.inside, "main", CARD), half(Domain.outside, "main-out", CARD)
    told = report(joined([replace(inside, unseated={"owl@1": ["no"]}), outside])).cautions

    assert "main: Below the bar, so owl@1 scored nothing: no." in told


def agreed(run, families):
    """Return a run with what its jury says, as stage=judge keeps it."""
    played = {each.id: "their own" for each in run.transcripts}
    return replace(run, jury=jury_of(run.scores, families, played))


def test_what_each_jury_agrees_on_stays_in_a_joint_report():
    families = {"judge-a@1": "x", "judge-b@1": "y"}
    about = {"judges": tuple(families), "values": lambda n, _: 1.0 + n // 2 % 3 + n % 2}
    inside = half(Domain.inside, "main", CARD, **about)
    outside = half(Domain.outside, "main-out", CARD, **about)
    given = joined([agreed(inside, families), agreed(outside, families)])
    text = report_markdown(report(given), given)

    # The six characters in-domain get 1, 2 and 3 twice over, the others a point more.
    assert "| consistency, main | 6 | 1.00 | 2.00 [" in text
    assert "| consistency, main-out | 6 | 1.00 | 3.00 [" in text


def test_a_sentence_about_some_runs_says_which():
    told = [("a", "No card."), ("b", "No card."), ("a", "Below."), ("a", "Below.")]

    assert said(told, ["a", "b"]) == ["No card.", "a: Below."]
    assert said(told, ["a", "b", "c"]) == ["a, b: No card.", "a: Below."]
