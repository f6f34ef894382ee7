"""What a comparison may claim: no more than the reports of its runs."""

from dataclasses import replace

import pytest

from opencharacter.compare.compare_page import compare_markdown, compare_page, sentences
from opencharacter.compare.differences import comparison_of
from opencharacter.compare.embedding import embedded
from opencharacter.compare.recorded import COLUMNS, about_of, rows_of, system_of
from opencharacter.compare.reporting import report_of
from opencharacter.compare.systems import check_alike, systems_of
from opencharacter.config import CompareConfig, ReportConfig
from opencharacter.errors import ConfigError
from opencharacter.records import UserFailure
from tests.compare.played import results, score, transcript

OWN = {"llama": "the tested model's own"}
FAMILIES = {"judge-a@1": "llama", "judge-b@1": "qwen"}


def better(number, value):
    return value + 0.5 + 0.01 * number


def compared(*runs, criteria=(), **settings):
    systems = systems_of(runs, criteria)
    check_alike(systems)
    return comparison_of(systems, CompareConfig(**settings))


def from_wandb(*runs):
    """Return the comparison of what W&B keeps of runs."""
    systems = [systems_of([run], [])[0] for run in runs]
    tables = [{"columns": list(COLUMNS), "data": rows_of(system)} for system in systems]
    kept = [
        system_of(system.run, about_of(system), table)
        for system, table in zip(systems, tables, strict=True)
    ]
    check_alike(kept)
    return comparison_of(kept, CompareConfig())


def kin(run, values=None, **about):
    return replace(results(24, run=run, values=values), families=FAMILIES, related=OWN, **about)


@pytest.mark.parametrize("compare", [compared, from_wandb])
def test_judges_of_a_candidate_s_family_alone_are_no_claim(compare):
    a, b = kin("a"), replace(results(24, run="b", values=better), families=FAMILIES)
    found = compare(a, b)

    [why] = found.withheld
    assert "judge-a@1 is of the tested model's own family (a)" in why
    assert sentences(found) == []
    assert "b plays unseen" not in compare_markdown(found)


def test_a_judge_who_is_kin_of_both_candidates_is_told_of_both():
    [why] = compared(kin("a"), kin("b")).withheld
    assert "judge-a@1 is of the tested model's own family (a, b)" in why


@pytest.mark.parametrize("compare", [compared, from_wandb])
def test_where_nothing_says_a_family_there_is_no_claim(compare):
    a, b = (replace(results(24, run=run), families=FAMILIES) for run in "ab")
    found = compare(replace(a, unknown={"oc-8b@1": "player.family="}), b)

    who, what = found.withheld
    assert "judge-a@1 is of what may be oc-8b@1's family (a)" in who
    assert "state it with player.family=" in what
    assert compare(a, b).withheld == []


def test_judges_who_are_kin_of_one_candidate_each_are_no_claim():
    both = {"judges": ("judge-a@1", "judge-b@1")}
    a = replace(results(24, run="a", **both), families=FAMILIES, related=OWN)
    b = replace(results(24, run="b", **both), families=FAMILIES, related={"qwen": "its base's"})

    assert report_of(a, ReportConfig()).withheld == []
    assert "judge-b@1 is of its base's family (b)" in compared(a, b).withheld[0]


@pytest.mark.parametrize("compare", [compared, from_wandb])
def test_kinship_that_is_stated_is_told_and_no_obstacle(compare):
    runs = kin("a", same_family_stated=True), kin("b", better, same_family_stated=True)
    found = compare(*runs)

    assert found.withheld == []
    assert "judge.same_family=true" in " ".join(found.cautions)


def test_a_judge_whose_kinship_is_stated_counts_as_in_the_report():
    given = results(24, judges=("judge-a@1", "judge-b@1"))
    scores = [replace(s, value=1.0) if s.judge == "judge-b@1" else s for s in given.scores]
    about = {"families": FAMILIES, "related": OWN, "same_family_stated": True}
    a, b = (replace(given, run=run, scores=scores, **about) for run in "ab")

    reported = report_of(a, ReportConfig()).headline.overall.value
    assert [each.overall.value for each in compared(a, b).standings] == [reported, reported]
    unstated = [replace(run, same_family_stated=False) for run in (a, b)]
    found = compared(*unstated)
    assert [each.overall.value for each in found.standings] == [1.0, 1.0]
    assert "Left out" in " ".join(found.cautions)


@pytest.mark.parametrize("compare", [compared, from_wandb])
@pytest.mark.parametrize(
    ("about", "told"),
    [
        ({"published": {"protocol": "compat: as published"}}, "By a published protocol: compat"),
        ({"incomplete": ("12 of 200 personas",)}, "A part of the suite: 12 of 200 personas"),
    ],
)
def test_what_a_report_withholds_is_no_claim(compare, about, told):
    found = compare(replace(results(24), **about), results(24, run="b", values=better))

    assert [f"a: {told}" in why for why in found.withheld] == [True]
    assert sentences(found) == []


def sampled(run, second):
    """Return a run with a second sample of each item, of the value `second`."""
    given = results(24, run=run)
    more = [transcript(item, sample=1, text=f"Once more {run}") for item in given.items.values()]
    scores = [*given.scores, *(score(each, second) for each in more)]
    return replace(given, transcripts=[*given.transcripts, *more], scores=scores)


@pytest.mark.parametrize("compare", [compared, from_wandb])
def test_no_run_is_said_to_be_trained_on_the_characters_of_a_mixture(compare):
    told = compare_markdown(compare(results(24), results(24, run="b", values=better)))

    assert "trained on" not in told


@pytest.mark.parametrize("compare", [compared, from_wandb])
def test_missing_samples_are_missing(compare):
    a, b = sampled("a", None), sampled("b", 4.0)
    assert report_of(a, ReportConfig()).coverage == 0.5

    found = compare(a, b)
    assert any("a: 50.0% of the scores are missing" in why for why in found.withheld)
    assert any("a and b miss unequally many scores" in why for why in found.withheld)
    # Each item of a has 3.0 to 3.2 and something from 1 to 5; of b the same and 4.
    [line] = found.main
    assert (line.bounds.worst, line.bounds.best) == pytest.approx((-0.5, 1.5))
    assert sentences(found) == [
        "b less a on unseen characters lies between -0.50 and +1.50 points, whatever the missing "
        "scores would have been."
    ]
    assert "between -0.50 and +1.50" in compare_page(found, embedded([], [], most=0))


def test_a_missing_judge_is_missing():
    given = results(24, judges=("judge-a@1", "judge-b@1"))
    holes = [
        replace(s, value=None, unscored="off_format", mass=None)
        if s.judge == "judge-b@1" and at % 4 == 1
        else s
        for at, s in enumerate(given.scores)
    ]
    found = compared(given, replace(given, run="b", scores=holes))

    assert any("b: 25.0% of the scores are missing" in why for why in found.withheld)
    assert found.main[0].bounds.worst < 0 < found.main[0].bounds.best


def test_bounds_are_of_raw_marks():
    """The lenient judge is silent where the strict one gives 5: centred that would be 6."""
    given = results(12)
    scores = []
    for at, said in enumerate(given.transcripts):
        lenient = None if at == 1 else 3.0 + at % 3
        scores.append(score(said, lenient, judge="lenient@1"))
        scores.append(score(said, 5.0 if at == 1 else 1.0 + at % 3, judge="strict@1"))
    runs = [replace(given, run=run, scores=scores) for run in "ab"]
    [line] = compared(*runs).domains[-1:]

    # Of 24 answers one lies between (5 + 1) / 2 and (5 + 5) / 2 in both runs.
    assert (line.scope, line.bounds.worst) == ("all", pytest.approx(-2 / 24))
    assert line.bounds.best == pytest.approx(2 / 24)


def reported(run, *_, criteria):
    return report_of(run, ReportConfig(criteria=criteria))


@pytest.mark.parametrize("made", [compared, reported])
def test_criteria_of_several_scales_have_no_mean(made):
    def with_facts(run):
        facts = [score(t, 1.0, judge="rule", criterion="fact_stated") for t in run.transcripts]
        return replace(run, scores=[*run.scores, *(replace(f, labels=()) for f in facts)])

    runs = [with_facts(results(24, run=run)) for run in "ab"]
    with pytest.raises(ConfigError, match="consistency is on 1 to 5, fact_stated is on 0 to 1"):
        made(*runs, criteria=["fact_stated", "consistency"])


def test_means_of_runs_are_over_what_all_have():
    a = results(24, run="a", values=lambda n, v: None if n == 1 else v)
    b = results(24, run="b", values=lambda n, v: None if n == 2 else v)
    found = compared(a, b, min_coverage=0.5)

    one, other = found.standings
    assert (one.overall.value, one.overall.n) == (other.overall.value, 44)
    assert "that all have a score for" in compare_markdown(found)


def test_two_characters_alike_show_nothing():
    a, b = (results(4, run=run, values=lambda n, v, by=by: 3.0 + by)
            for run, by in (("a", 0.0), ("b", 0.05)))  # fmt: skip
    found = compared(a, b)
    [line] = found.main

    assert (line.difference.estimate.low, line.detectable, line.same.holds) == (None, None, None)
    assert sentences(found) == [
        "b is +0.05 points against a on unseen characters, on each of 2 alike: without spread "
        "there is no interval (p = 0.500 after Holm)."
    ]


def test_what_is_detectable_is_so_after_holm():
    def wide(by):
        return lambda n, v: v + (by if n % 4 < 2 else -by)

    a, b, c = results(24), results(24, run="b", values=wide(0.5)), results(24, run="c")
    alone = compared(a, b).main[0]
    of_three = compared(a, b, c).main

    assert alone.detectable == pytest.approx(0.4638, abs=1e-3)
    # (t(1 - 0.05/6, 11) + t(0.8, 11)) * 0.5222 / sqrt(12), of 3 lines.
    assert of_three[0].detectable == pytest.approx(0.5574, abs=1e-3)


BELOW = {"below": ["finds contradiction in 10% of 100"], "few": ["finds filler: no case"]}
TOLD = "judge-a@1 is below the bar of its card: finds contradiction in 10% of 100."


def carded(run, card, **about):
    given = results(24, run=run, **about)
    return replace(given, cards={"judge-a@1": card}, card_hashes={"judge-a@1": f"hash-{run}"})


@pytest.mark.parametrize("compare", [compared, from_wandb])
@pytest.mark.parametrize("whose", ["a: ", "b: ", ""])
def test_what_a_judge_falls_short_of_stands_beside_the_comparison(compare, whose):
    cards = ({} if whose == "b: " else BELOW, {} if whose == "a: " else BELOW)
    found = compare(carded("a", cards[0]), carded("b", cards[1], values=better))

    assert f"{whose}{TOLD}" in found.cautions
    for shown in (compare_markdown(found), compare_page(found, embedded([], [], most=0))):
        assert f"{whose}{TOLD}" in shown
        assert f"{whose}The card of judge-a@1 has too few cases to say" in shown
        assert "(sha256): a, judge-a@1 hash-a; b, judge-a@1 hash-b." in shown


@pytest.mark.parametrize("compare", [compared, from_wandb])
def test_a_comparison_by_one_judge_without_a_card_says_both(compare):
    found = compare(results(24), carded("b", {}))

    assert "a: judge-a@1 has no judge card: nobody has tested it (stage=qualify)." in found.cautions
    assert any(told.startswith("1 judge in the headline") for told in found.cautions)


@pytest.mark.parametrize("compare", [compared, from_wandb])
def test_users_that_failed_are_told_with_the_run(compare):
    b = results(24, run="b")
    items = {id_: replace(item, user="guest@1", goal="Talk.") for id_, item in b.items.items()}
    moved = {one.id: other.id for one, other in zip(b.items.values(), items.values(), strict=True)}
    b = replace(b, items={id_: items[old] for old, id_ in moved.items()})
    played = [replace(t, item_id=moved[t.item_id]) for t in b.transcripts]
    scores = [
        replace(s, item_id=t.item_id, transcript_id=t.id)
        for s, t in zip(b.scores, played, strict=True)
    ]
    b = replace(b, transcripts=played, scores=scores)
    failed = [replace(t, user_failure=UserFailure.repeats) for t in played[:3]]
    failed = replace(b, run="c", transcripts=[*failed, *played[3:]])

    assert "c: In 3 of 48 dialogues the model that plays the user failed" in " ".join(
        compare(b, failed).cautions
    )
