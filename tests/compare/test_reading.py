"""What a reader is told around the numbers: it is true, and it is enough."""

import re
from dataclasses import replace

from opencharacter.compare.compare_page import compare_markdown, sentences
from opencharacter.compare.differences import comparison_of
from opencharacter.compare.embedding import embedded
from opencharacter.compare.judge_tables import jury_tables
from opencharacter.compare.report_page import (
    about,
    headline_words,
    method,
    report_markdown,
    report_page,
)
from opencharacter.compare.systems import systems_of
from opencharacter.compare.tables import columned
from opencharacter.config import CompareConfig
from opencharacter.records import Domain, Failure
from opencharacter.stats.intervals import Estimate
from tests.compare.played import score
from tests.compare.reported import played, report, with_scores


def refused(number):
    """Return an item, a refusal, and that no judge was asked of it."""
    one, said, _ = played(number, failure=Failure.refusal)
    return one, said, [score(said, None, unscored="candidate_refusal")]


def by_rule(number, value, **about):
    one, said, _ = played(number, **about)
    given = score(said, value, judge="rule", criterion="fact_stated")
    return one, said, [replace(given, labels=(), probabilities=())]


def compared(*runs, **settings):
    """Return what is said of some runs, `a`, `b`, ..."""
    named = [replace(run, run=name) for name, run in zip("abc", runs, strict=False)]
    return sentences(comparison(named, **settings))


def comparison(runs, **settings):
    return comparison_of(systems_of(runs, []), CompareConfig(**settings))


def test_where_no_answer_failed_nothing_is_said_of_lowest_marks():
    told = method(report(with_scores([played(n, 4.0) for n in range(3)])))

    assert "lowest mark" not in told
    assert "without them" not in told


def test_where_the_headline_is_withheld_the_footer_gives_no_mean():
    given = with_scores([*(played(n, 4.0) for n in range(8)), refused(8)])

    assert "as 1 of 9 answers here do; without them the mean is 4.00" in method(report(given))
    told = method(report(replace(given, incomplete=["9 of 200 personas"])))
    assert told.endswith("as 1 of 9 answers here do.")


def test_of_a_rule_the_footer_says_that_what_was_cut_off_counts_as_it_stands():
    cut = by_rule(2, 1.0, failure=Failure.truncated)
    told = method(report(with_scores([by_rule(0, 1.0), by_rule(1, 0.0), cut])))

    assert "lowest mark" not in told
    assert told.endswith("out of character, as in 1 transcript here.")


def test_the_number_of_the_headline_is_told_what_it_is():
    facts = report(with_scores([by_rule(n, float(n % 2)) for n in range(8)]))
    points = report(with_scores([played(n, 4.0) for n in range(8)]))

    assert headline_words(facts)[0] == "- Share of facts stated, by rule, 0 to 1:"
    assert headline_words(points)[0] == "- Points of 1 to 5 by judge-0@1 (consistency):"
    assert "headline over fact_stated: share of facts stated, by rule, 0 to 1;" in about(facts)


def test_a_difference_of_shares_is_no_points():
    runs = [
        with_scores([by_rule(n, float(n % 4 < wins), domain=Domain.outside) for n in range(24)])
        for wins in (1, 3)
    ]
    [told] = compared(*runs)

    assert "better than a by 0.50 of 1 (share of facts stated; 95% interval" in told
    assert "points" not in told


def test_markdown_lists_cautions_under_a_title_of_their_own():
    given = with_scores([played(n, 4.0) for n in range(8)])
    part = replace(given, incomplete=["8 of 200 personas"])
    text = report_markdown(report(part), part)
    compared_text = compare_markdown(comparison([part, replace(given, run="b")]))

    for found in (text, compared_text):
        withheld, to_know = found.partition("## To know")[::2]
        assert "## No headline" in withheld
        assert "8 of 200 personas" in withheld
        assert "Uncalibrated: " in to_know.partition("\n## ")[0]
        assert "Uncalibrated: " not in withheld


def test_characters_that_were_asked_are_not_those_of_the_training():
    given = with_scores([played(n, 4.0) for n in range(8)])
    told = about(report(replace(given, facts={"characters": 66, "rows": 320})))

    assert "8 transcripts; characters asked: 8 in-domain; headline over" in told
    assert told.endswith("; trained on characters: 66; training dialogues: 320.")


def test_the_figures_of_a_column_have_the_same_decimals():
    wide, narrow = (Estimate(2.0, 2 - by, 2 + by, by, 9, 9, 0.95, "t") for by in (0.5, 0.01))

    assert columned([[wide, None, narrow], [wide, wide, wide]]) == [
        ["2.000 [1.500, 2.500]", "2.00 [1.50, 2.50]"],
        ["–", "2.00 [1.50, 2.50]"],
        ["2.000 [1.990, 2.010]", "2.00 [1.50, 2.50]"],
    ]


def dialogues(*lengths):
    """Return dialogues of so many turns, each of a point less than the one before."""
    found = []
    for number, length in enumerate(lengths):
        one, said, _ = played(number)
        found.append((one, said, [score(said, 4.0 - turn / 10, turn=turn)
                                  for turn in range(length)]))  # fmt: skip
    return with_scores(found)


def test_turns_of_other_dialogues_are_not_joined():
    given = dialogues(4, 4, 2, 2, 2, 2)
    found = report(given)
    page = report_page(found, given, embedded([given], [], most=0))
    [plot] = re.findall("<div class=lines>.*?</svg>", page)

    assert found.turn_groups == [1, 1, 3, 3]
    joined = re.findall(r"<line class=s0 x1=(\S+)% x2=(\S+)%", plot)
    assert {pair for pair in joined if pair[0] != pair[1]} == {("0.00", "33.33"),
                                                              ("66.67", "100.00")}  # fmt: skip
    assert re.findall(r"n=\d", plot) == ["n=6", "n=2"]


def test_a_plot_names_what_it_shows_and_that_its_axis_is_cut():
    given = dialogues(2, 2, 2)
    page = report_page(report(given), given, embedded([given], [], most=0))

    told = "Points of 1 to 5 by judge-a@1 (consistency); the axis is cut to 3.90 to 4.00 of 1 to 5"
    assert told in page
    assert "<span class=k0>in-domain</span>" in page.partition(told)[2].partition("<svg")[0]


def test_how_far_a_judge_agrees_with_people_stands_with_its_card():
    people = {
        "answers": 36,
        "annotators": 2,
        "scored_by_judge": 36,
        "alpha_of_people": 0.871,
        "spearman": {"value": 0.611, "low": 0.141, "high": 0.856},
        "kappa_quadratic": {"value": 0.277, "low": None, "high": None},
        "alt_test": {"passed": False, "winning_rate": 0.25, "epsilon": 0.1, "few": False},
    }
    rate = {"share": 1.0, "low": None, "high": None, "n": 3, "unscored": 0}
    card = {"detects": {}, "keeps": {}, "scored": rate, "calibration": "labelled by people"}
    card |= {"verdict": "is below the bar", "people": people}
    given = replace(with_scores([played(0, 4.0)]), cards={"judge-0@1": card})
    lines = dict(map(tuple, jury_tables(given)[-1].lines))

    assert lines["agreement of people (Krippendorff's alpha)"] == "0.87"
    assert lines["judge and people, Spearman"] == "0.61 [0.14, 0.86]"
    assert lines["judge and people, kappa (quadratic)"] == "0.28"
    told = lines["alt-test: may stand in for a person"]
    assert told == "not passed (winning rate 0.25, epsilon 0.1)"
    assert len(jury_tables(replace(given, cards={"judge-0@1": card | {"people": {}}}))) == 1
