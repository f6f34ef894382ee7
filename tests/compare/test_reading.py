"""What a reader is told around the numbers: it is true, and it is enough."""

from dataclasses import replace

from opencharacter.compare.report_page import method
from opencharacter.records import Failure
from tests.compare.played import score
from tests.compare.reported import played, report, with_scores


def refused(number):
    """Return an item, a refusal, and that no judge was asked of it."""
    one, said, _ = played(number, failure=Failure.refusal)
    return one, said, [score(said, None, unscored="candidate_refusal")]


def by_rule(number, value, **about):
    one, said, _ = played(number, **about)
    return one, said, [score(said, value, judge="rule", criterion="fact_stated")]


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
