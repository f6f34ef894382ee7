import math
from dataclasses import replace

import pytest
from scipy.stats import fisher_exact

from opencharacter.compare.headline import missing_by_domain
from opencharacter.compare.report_page import headline_words, report_markdown
from opencharacter.compare.results import LOSS_FACT, marks_of, offsets_of
from opencharacter.records import Control, Domain, Failure, UserFailure
from tests.compare.played import item, results, score, transcript
from tests.compare.reported import played, report, with_scores


def test_the_gap_is_the_headline():
    found = report(results(12))

    # In-domain: characters 0, 2 ... 10 with 4.0, 4.2, 4.1, 4.0, 4.2, 4.1; the others a point less.
    assert found.headline.domains[Domain.inside].value == pytest.approx(4.1)
    assert found.gap.value == pytest.approx(1.0)
    assert found.withheld == []


def test_the_gap_is_sure_by_characters():
    found = report(results(12))

    # Means of 6 characters each deviate by -0.1, 0, 0.1 twice over: squares of 0.08 in all.
    se, t = math.sqrt(6 / 5 * 0.08 / 36), 2.570582  # of Student's t with 5 degrees of freedom
    assert found.gap.low == pytest.approx(1 - t * se, abs=1e-6)


def test_missing_scores_leave_bounds_instead_of_a_headline():
    given = with_scores([played(n, None if n == 0 else 4.0) for n in range(10)])
    found = report(given)

    assert "10.0% of the scores are missing" in found.withheld[0]
    [bounds] = found.bounds
    assert (bounds.low, bounds.high) == pytest.approx((3.7, 4.1))  # (36 + 1)/10, (36 + 5)/10


def test_judges_are_centred_on_the_answers_that_all_have_scored():
    # The first judge gives 4.5 on average where both have scored, the second 2.5: both become 3.5.
    given = with_scores([played(0, 4.0, 2.0), played(1, 5.0, 3.0), played(2, 5.0, None)])

    assert offsets_of(given) == {"consistency": {"judge-0@1": -1.0, "judge-1@1": 1.0}}
    assert [mark.value for mark in marks_of(given)] == [3.0, 4.0, 4.0]  # else 3, 4 and 5
    found = report(given)
    assert found.headline.overall.value == pytest.approx(11 / 3)
    # Each judge alone is told as it scored, and so is the headline without the other.
    assert [judge.mean.value for judge in found.judges] == pytest.approx([14 / 3, 2.5])
    assert [judge.without.value for judge in found.judges] == pytest.approx([2.5, 14 / 3])


def test_an_answer_that_failed_is_not_centred():
    refused = played(3, None, None, failure=Failure.refusal)
    refused = (*refused[:2], [replace(s, unscored="candidate_refusal") for s in refused[2]])
    given = with_scores([played(0, 4.0, 2.0), played(1, 5.0, 3.0), refused])

    assert marks_of(given)[-1].value == 1.0


def test_judges_without_answers_in_common_are_not_centred_and_the_report_says_so():
    given = with_scores([played(0, 4.0, 2.0), played(1, 5.0, None), played(2, None, 3.0)])

    assert offsets_of(given) == {}
    assert any("not centred in consistency" in told for told in report(given).cautions)


def test_one_missing_score_in_two_hundred_is_allowed():
    given = with_scores([played(n, None if n == 0 else 4.0) for n in range(200)])

    assert report(given).withheld == []


def test_domains_that_miss_unequally_many_scores_have_no_headline():
    inside = [played(n, 4.0) for n in range(300)]
    outside = [played(n, None if n < 306 else 3.0, domain=Domain.outside) for n in range(300, 600)]
    found = report(with_scores(inside + outside))

    assert found.coverage == pytest.approx(0.99)
    assert "miss unequally many scores (p = 0.03" in found.withheld[0]


@pytest.mark.parametrize(("a", "b"), [(0, 6), (2, 3), (5, 0), (10, 1)])
def test_the_test_of_missing_scores_is_fisher_s(a, b):
    inside = [played(n, None if n < a else 4.0) for n in range(12)]
    outside = [played(50 + n, None if n < b else 4.0, domain=Domain.outside) for n in range(9)]
    p = missing_by_domain(marks_of(with_scores(inside + outside)))

    assert p == pytest.approx(fisher_exact([[a, 12 - a], [b, 9 - b]]).pvalue)


def test_a_failed_answer_has_earned_the_lowest_and_stays_in_the_mean():
    one = item(9)
    refused = transcript(one, failure=Failure.refusal)
    unscored = score(refused, None, unscored="candidate_refusal")
    found = report(with_scores([played(0, 5.0), (one, refused, [unscored])]))

    assert found.headline.overall.value == pytest.approx(3.0)  # (5 + 1) / 2
    assert found.coverage == 1.0


def test_a_fault_of_the_engine_is_missing():
    one = item(9)
    broken = transcript(one, failure=Failure.error)
    unscored = score(broken, None, unscored="candidate_error")
    found = report(with_scores([played(0, 5.0), (one, broken, [unscored])]))

    assert (found.headline.overall.value, found.coverage) == (5.0, 0.5)


def related(given, **about):
    """Return the run with the families of its judges, of which the candidate is a llama."""
    families = {"llama-70b@1": "llama", "qwen-72b@1": "qwen"}
    return replace(given, families=families, related={"llama": "the tested model's own"}, **about)


@pytest.mark.parametrize(
    ("failures", "value", "missing", "failed"),
    [
        (("", "truncated", "error"), 3.0, 2, 1),  # the engine ended it: nobody can say
        (("", "truncated", "refusal"), 2.0, 0, 3),  # the model did: the lowest
        (("", "error"), 5.0, 3, 0),
    ],
)
def test_a_turn_that_the_engine_prevented_is_missing_whatever_failed_before(
    failures, value, missing, failed
):
    one = item(0)
    first = Failure(next(filter(None, failures)))
    said = replace(transcript(one, failure=first), turn_failures=failures)
    reasons = [f"candidate_{why}" if why else None for why in failures]
    reasons += ["not_reached"] * (4 - len(failures))
    scores = [
        score(said, None if why else 5.0, turn=turn, unscored=why)
        for turn, why in enumerate(reasons)
    ]

    [mark] = marks_of(with_scores([(one, said, scores)]))

    assert (mark.value, mark.missing, mark.failed) == (value, missing, failed)


def test_a_judge_of_the_candidate_s_family_is_not_in_the_headline():
    given = related(results(8, judges=("llama-70b@1", "qwen-72b@1")))
    low = [replace(s, value=1.0) if "llama" in s.judge else s for s in given.scores]
    found = report(replace(given, scores=low))

    assert found.headline.domains[Domain.inside].value == pytest.approx(4.075)
    assert "llama-70b@1 (of the tested model's own family)" in " ".join(found.cautions)


def test_a_jury_of_kin_alone_has_no_headline_unless_that_is_stated():
    given = related(results(8, judges=("llama-70b@1",)))

    assert "judges favour their own" in report(given).withheld[0]
    stated = report(replace(given, same_family_stated=True))
    assert stated.withheld == []
    assert "In the headline by judge.same_family=true" in " ".join(stated.cautions)


MAY_BE = {"oc-8b@1": "player.family="}


def test_where_nothing_says_a_family_there_is_no_headline_unless_that_is_stated():
    given = replace(related(results(8, judges=("qwen-72b@1",))), unknown=MAY_BE)

    who, what = report(given).withheld
    assert "qwen-72b@1 is of what may be oc-8b@1's family" in who
    assert "Nothing says the family of oc-8b@1" in what
    assert "player.family=" in what
    stated = report(replace(given, same_family_stated=True))
    assert stated.withheld == []
    assert what in stated.cautions


def test_a_judge_of_no_known_family_is_left_out_where_others_are_known():
    given = related(results(8, judges=("owl@1", "qwen-72b@1")))
    families = {"owl@1": "owl", "qwen-72b@1": "qwen"}
    low = [replace(s, value=1.0) if "owl" in s.judge else s for s in given.scores]
    unknown = {"owl@1": "judge.jurors.owl.family="}
    found = report(replace(given, scores=low, families=families, unknown=unknown))

    assert found.withheld == []
    assert found.headline.domains[Domain.inside].value == pytest.approx(4.075)
    assert "owl@1 (of an unknown family)" in " ".join(found.cautions)
    assert "judge.jurors.owl.family=" in " ".join(found.cautions)


def test_a_headline_of_rules_hangs_on_no_judge():
    one = replace(item(0), dimensions=("fact_stated",))
    said = transcript(one)
    rule = score(said, 1.0, judge="rule", criterion="fact_stated")
    judged = score(said, 0.5, judge="llama-70b@1", criterion="fact:age")
    plain = [replace(each, labels=(), probabilities=()) for each in (rule, judged)]
    found = report(replace(related(with_scores([(one, said, plain)])), unknown=MAY_BE))

    assert (found.criteria, found.withheld, found.is_calibrated) == (["fact_stated"], [], True)


def test_the_facts_of_a_checklist_are_one_criterion():
    one = item(0)
    said = transcript(one)
    given = [score(said, value, criterion=f"fact:{n}") for n, value in enumerate((1.0, 0.0, 1.0))]
    facts = [replace(each, probabilities=()) for each in given]  # as in JSON
    found = report(with_scores([(one, said, [score(said, 4.0), *facts])]))

    assert {row.name: row.overall.value for row in found.criteria_rows} == {
        "consistency": 4.0,
        "fact": pytest.approx(2 / 3),
    }
    assert found.criteria == ["consistency"]


def test_controls_are_not_in_the_headline_but_beside_it():
    bare = played(0, 1.0, control=Control.no_persona)
    found = report(with_scores([played(0, 4.0), bare]))

    assert found.headline.overall.value == 4.0
    assert {row.name: row.overall.value for row in found.controls} == {
        "none": 4.0,
        "no_persona": 1.0,
    }


def test_turns_are_counted_from_one():
    one = item(0)
    said = transcript(one)
    scores = [score(said, 4.0, turn=0), score(said, 2.0, turn=7)]
    found = report(with_scores([(one, said, scores)]))

    assert [(row.name, row.overall.value) for row in found.turns] == [("1", 4.0), ("8", 2.0)]


def test_what_a_rule_finds_at_each_turn_stands_beside_the_headline():
    one = item(0)
    said = transcript(one)
    rule = [
        replace(score(said, v, turn=t, judge="rule", criterion="fact_stated"), labels=())
        for t, v in ((0, 1.0), (3, 0.5), (7, 0.0))
    ]
    given = with_scores([(one, said, [score(said, 4.0), *rule])])
    found = report(given)

    assert (found.criteria, found.turns) == (["consistency"], [])
    assert [(row.name, row.overall.value) for row in found.rule_turns] == [
        ("fact_stated, turn 1", 1.0),
        ("fact_stated, turn 4", 0.5),
        ("fact_stated, turn 8", 0.0),
    ]
    assert "## By turn, by rule" in report_markdown(found, given)


def test_without_each_judge_there_is_another_headline():
    found = report(with_scores([played(n, 4.0, 2.0) for n in range(4)]))

    assert [(j.mean.value, j.without.value) for j in found.judges] == [(4.0, 2.0), (2.0, 4.0)]


def test_what_a_rule_scores_is_no_judge_s_mean():
    given = with_scores([played(n, 4.9) for n in range(4)])
    by_rule = [
        replace(score(t, 1.0, judge="rule", criterion="stated"), labels=(), probabilities=())
        for t in given.transcripts
    ]
    given = replace(given, scores=[*given.scores, *by_rule])

    found = report(given, criteria=["stated"])

    assert found.headline.overall.value == 1.0
    assert [(j.name, j.mean.value, j.without.value) for j in found.judges] == [
        ("judge-0@1", None, 1.0)
    ]


def test_what_is_right_without_a_model_is_told():
    found = report(replace(results(4), about={"popularity": 0.62, "pairs": 40.0}))

    told = "Without a model: what is popular gets 62.0% of the pairs right, chance 50.0%."
    assert told in found.cautions
    assert told in report_markdown(found, results(4))


def test_criteria_of_other_scales_do_not_enter_a_mean():
    one = item(0)
    said = transcript(one)
    share = replace(score(said, 0.5, criterion="stated"), labels=(), probabilities=(), judge="rule")
    found = report(with_scores([(one, said, [score(said, 4.0), share])]))

    assert (found.criteria, found.headline.overall.value) == (["consistency"], 4.0)


def test_without_human_labels_the_title_says_so():
    assert report(results(4)).title.endswith("(uncalibrated)")
    assert (
        "(uncalibrated)"
        not in report(replace(results(4), cards={"judge-a@1": {"is_calibrated": True}})).title
    )


def test_the_spread_is_told_by_what_would_lower_it():
    found = report(results(20)).spread

    # Two items of a character get the same: all of the variance is between characters.
    assert found["character"].share == pytest.approx(1.0)


def test_a_judge_that_chooses_by_place_is_told():
    one = item(0)
    said = transcript(one)
    choices = [
        replace(score(said, 0.5, criterion="preference"), inconsistency=each) for each in (0.2, 0.6)
    ]
    given = with_scores([(one, said, [score(said, 4.0), *choices])])

    assert report(given).judges[0].inconsistency == pytest.approx(0.4)


def test_a_user_that_failed_is_told_and_is_no_failure_of_the_candidate():
    one = replace(item(1), user="guest@1", goal="Talk.")
    said = replace(transcript(one), user_failure=UserFailure.repeats, user_detail="Again?")
    unscored = score(said, None, unscored="user_failed")
    found = report(with_scores([played(0, 5.0), (one, said, [unscored])]))

    assert found.headline.overall.value == 5.0
    assert found.coverage == 0.5
    assert [failed.name for failed in found.failures] == ["none"]
    assert any(told.startswith("In 1 of 1 dialogues the model") for told in found.cautions)


def test_what_stands_in_place_of_a_headline_is_printed_with_it():
    given = with_scores([played(n, None if n == 0 else 4.0) for n in range(10)])

    assert headline_words(report(given))[1:] == [
        "Bounds, in-domain: 3.70 to 4.10, whatever the missing scores would have been."
    ]


def test_questions_that_are_asked_of_nobody_are_no_characters_of_an_unknown_domain():
    named = with_scores([played(n, 1.0, domain=Domain.unknown) for n in range(4)])
    items = {id_: replace(one, system="", persona="") for id_, one in named.items.items()}
    told = "trained on these characters"

    assert any(told in each for each in report(named).cautions)
    assert not any(told in each for each in report(replace(named, items=items)).cautions)


def test_a_suite_without_domains_has_just_a_mean_and_where_nobody_is_played_questions():
    people = with_scores([played(n, 1.0 + n, domain=Domain.none) for n in range(4)])
    items = {id_: replace(one, system="", persona="") for id_, one in people.items.items()}
    nobody = replace(people, items=items)
    texts = [report_markdown(report(given), given) for given in (people, nobody)]

    assert not any("domain" in text for text in texts)
    assert [text.count("- mean: 2.50 [") for text in texts] == [1, 1]
    assert ["(4 characters)" in text for text in texts] == [True, False]
    assert "|  | mean | marks | questions | missing |" in texts[1]


def test_where_nothing_is_missing_there_are_no_bounds():
    found = report(related(results(8, judges=("llama-70b@1",))))

    assert (len(found.withheld), found.bounds) == (1, [])


def test_nobody_is_said_to_be_trained_on_the_mixture_without_a_training():
    told = "nothing says that this model was trained on it"

    assert any(told in each for each in report(results(4)).cautions)
    trained = replace(results(4), facts={"characters": 2})
    assert not any(told in each for each in report(trained).cautions)
    unmeasured = replace(results(4), facts={LOSS_FACT: "not measured"})
    assert any(told in each for each in report(unmeasured).cautions)


def test_marks_of_transcripts_are_counted_as_marks():
    one = item(0)
    said = transcript(one)
    both = [score(said, 4.0), score(said, 2.0, criterion="habits")]
    given = with_scores([(replace(one, dimensions=("consistency", "habits")), said, both)])

    assert "| marks | characters |" in report_markdown(report(given), given)
    assert "| consistency | 3.00 [no interval] | 2 | 1 | 0 |" in report_markdown(
        report(given), given
    )


@pytest.mark.parametrize(("n", "told"), [(3, "(1 character)"), (12, "(6 characters)")])
def test_one_character_is_no_characters(n, told):
    shown = report_markdown(report(results(n)), results(n))

    assert told in shown
