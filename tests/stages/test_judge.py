"""The judge stage: every answer ends as a score, and no verdict is paid for twice."""

import json
import shutil
from collections import Counter

import pytest

from opencharacter.errors import ConfigError
from opencharacter.prompts.rubrics import rubrics_dir
from opencharacter.records import EvalItem, Score, Transcript
from opencharacter.store.rows import read_records
from tests.evaluation.gym import write_gym

N = 3 * 5 * 2  # people, tasks, questions


@pytest.fixture
def gym(tmp_path, settings, opencharacter):
    settings |= {
        "suite": "persona_gym",
        "suite.path": str(write_gym(tmp_path / "gym", n=2)),
        "suite.questions": "2",
    }
    done = opencharacter("stage=play")
    assert done.returncode == 0, done.stderr


def folder(tmp_path, stage="judge", run="t"):
    return tmp_path / "runs" / run / stage


def scores(tmp_path, run="t"):
    return list(read_records(folder(tmp_path, run=run) / "data", Score))


def manifest(tmp_path, stage="judge-scripted"):
    return json.loads((folder(tmp_path, stage) / "manifest.json").read_text())


def logged(tmp_path, run="t"):
    return sum(
        len(path.read_text().splitlines())
        for path in (folder(tmp_path, "judge-scripted", run) / "completions").glob("*.jsonl")
    )


def test_every_answer_is_scored_by_its_own_criterion(opencharacter, tmp_path, gym):
    done = opencharacter("stage=judge")

    assert done.returncode == 0, done.stderr
    found = scores(tmp_path)
    asked = {item.id: item for item in read_records(folder(tmp_path, "play") / "items", EvalItem)}
    played = {one.id for one in read_records(folder(tmp_path, "play") / "data", Transcript)}
    assert {score.transcript_id for score in found} == played
    assert len(found) == N
    for score in found:
        assert (score.criterion,) == asked[score.item_id].dimensions
        assert score.judge == "scripted@scripted"
        assert score.labels == ("1", "2", "3", "4", "5")
    assert Counter(score.unscored is None for score in found)[True] > N / 2
    assert f"judge: scripted@scripted, {found[0].criterion}: mean" in done.stderr


def test_a_score_is_the_mean_of_the_labels_probabilities(opencharacter, tmp_path, gym):
    opencharacter("stage=judge")

    for score in scores(tmp_path):
        total = sum(score.probabilities)
        assert score.mass == pytest.approx(total)
        if score.value is None:
            assert (score.unscored, total < 0.5) == ("off_format", True)
        else:
            points = zip(score.probabilities, (1, 2, 3, 4, 5), strict=True)
            assert score.value == pytest.approx(sum(p * n for p, n in points) / total)


def test_counts_close_and_say_what_has_no_score(opencharacter, tmp_path, gym):
    opencharacter("stage=judge")

    counts = manifest(tmp_path)["counts"]
    without = sum(score.value is None for score in scores(tmp_path))
    assert (counts["in"], counts["out"], counts["rejected"]) == (N, N, {})
    assert counts["notes"]["scored"] == N - without


def rubrics_worth(folder, worth):
    """Write the rubrics of the project to a folder, the labels being worth something else."""
    shutil.copytree(rubrics_dir() / "role_play", folder)
    for path in folder.glob("*.yaml"):
        path.write_text(f"{path.read_text()}\nworth: {worth}\n")
    return f"judge.rubrics={folder}"


def test_rubrics_of_ones_own_have_their_own_scale(opencharacter, tmp_path, gym):
    worth = {1: 0, 2: 25, 3: 50, 4: 75, 5: 100}
    own = rubrics_worth(tmp_path / "mine", worth)
    assert opencharacter("stage=judge", own, "judge.min_mass=0").returncode == 0
    for stage in ("play", "judge-scripted", "judge"):
        shutil.copytree(folder(tmp_path, stage), folder(tmp_path, stage, "u"))

    done = [opencharacter("stage=report"), opencharacter("stage=compare", "compare.runs=[t,u]")]

    assert [each.returncode for each in done] == [0, 0], done
    tasks = json.loads((folder(tmp_path, "report") / "report.json").read_text())["tasks"]
    told = [task["overall"] for task in tasks]  # the headline is withheld
    values = [score.value for score in scores(tmp_path)]
    assert sum(one["value"] * one["n"] for one in told) == pytest.approx(sum(values))
    assert any(one["value"] > 5 for one in told)
    scales = json.loads((folder(tmp_path) / "judges.json").read_text())["scales"]
    assert {*map(tuple, scales.values())} == {(0, 100)}


def test_another_run_with_the_same_answers_asks_nothing(opencharacter, tmp_path, gym):
    opencharacter("stage=judge")
    shutil.copytree(folder(tmp_path, "play"), folder(tmp_path, "play", "u"))
    assert logged(tmp_path) == N

    done = opencharacter("stage=judge", "run=u")

    assert done.returncode == 0, done.stderr
    assert "opening" not in done.stderr  # not even the model
    assert logged(tmp_path, "u") == 0
    assert [s.value for s in scores(tmp_path, "u")] == [s.value for s in scores(tmp_path)]


def test_another_bar_reads_the_same_verdicts_again(opencharacter, tmp_path, gym):
    opencharacter("stage=judge")

    done = opencharacter("stage=judge", "judge.min_mass=0.05")

    assert done.returncode == 0, done.stderr
    assert "opening" not in done.stderr
    assert all(score.value is not None for score in scores(tmp_path))


def test_verdicts_as_json_where_nobody_tells_probabilities(opencharacter, tmp_path, gym):
    done = opencharacter("stage=judge", "judge.label_probabilities=false")

    assert done.returncode == 0, done.stderr
    assert {score.unscored for score in scores(tmp_path)} == {None}
    assert {score.mass for score in scores(tmp_path)} == {None}
    assert {score.value for score in scores(tmp_path)} <= {1.0, 2.0, 3.0, 4.0, 5.0}


def test_a_criterion_that_no_rubric_has_is_one_line(opencharacter, gym):
    done = opencharacter("stage=judge", "judge.criteria=[charm]")

    assert done.returncode == 2
    assert "the rubrics role_play have no criterion 'charm', which judge.criteria names" in (
        done.stderr
    )


def test_criteria_by_which_nothing_is_judged_are_told(opencharacter, settings, tmp_path):
    settings |= {"suite": "retention", "suite.n": "2"}
    done = opencharacter("stage=play")
    assert done.returncode == 0, done.stderr
    done = opencharacter("stage=judge", "judge.criteria=[linguistic_habits]")

    assert done.returncode == 0, done.stderr
    assert "judge: judge.criteria names linguistic_habits, but rules alone score" in done.stderr
    assert {score.judge for score in scores(tmp_path)} == {"rule"}


def jurors(*names):
    models = ",".join(f"{name}:{{backend:scripted,model:{name}}}" for name in names)
    return f"judge.jurors={{{models}}}", f"judge.jury=[{','.join(names)}]"


def test_a_jury_judges_in_turn_and_a_new_member_alone_is_asked(opencharacter, tmp_path, gym):
    assert opencharacter("stage=judge", *jurors("ann", "ben")).returncode == 0
    assert Counter(score.judge for score in scores(tmp_path)) == {
        "ann@scripted": N,
        "ben@scripted": N,
    }

    done = opencharacter("stage=judge", *jurors("ann", "ben", "cem"))

    assert "judge: made anew (judge-cem is read now and was not before)" in done.stderr
    assert done.returncode == 0, done.stderr
    assert len(scores(tmp_path)) == 3 * N
    assert len({score.id for score in scores(tmp_path)}) == 3 * N


def test_judges_that_scored_nothing_in_common_are_told_apart_with_what_to_do(
    opencharacter, tmp_path, gym
):
    ann, jury = jurors("ann", "ben")
    cut = ann.replace("model:ben", "model:ben,max_length:9")  # words, for no prompt of a judge
    done = opencharacter("stage=judge", cut, jury)

    found = json.loads((folder(tmp_path) / "jury.json").read_text())["toxicity_control"]
    scored = sum(
        s.value is not None and s.criterion == "toxicity_control" for s in scores(tmp_path)
    )
    assert found["refused"] == (
        f"0 of 6 answers have a verdict of all 2 judges (ann@scripted {scored}, ben@scripted 0), "
        "and a common scale takes 2"
    )
    assert done.stderr.count("so nothing is told of their agreement") == 1
    assert "leave out of judge.jury whoever gives no verdicts" in done.stderr
    report = opencharacter("stage=report", cut, jury).stdout
    assert "Leave out of judge.jury whoever gives no verdicts" in report


def test_a_juror_may_be_a_file_of_conf(opencharacter, tmp_path, gym):
    done = opencharacter("stage=judge", "judge.jury=[scripted]")
    assert done.returncode == 0, done.stderr
    assert {score.judge for score in scores(tmp_path)} == {"scripted@scripted"}

    with pytest.raises(
        ConfigError, match=r"judge\.jury names 'skripted' \(did you mean 'scripted'"
    ):
        opencharacter("stage=judge", "judge.jury=[skripted]")


def test_facts_and_pairs_are_scores_too(opencharacter, tmp_path, gym):
    shutil.copytree(folder(tmp_path, "play"), folder(tmp_path, "play", "u"))

    done = opencharacter("stage=judge", "judge.checklist=true", "judge.against=u")

    assert done.returncode == 0, done.stderr
    kinds = Counter(score.criterion.partition(":")[0] for score in scores(tmp_path))
    assert kinds["preference"] == N
    assert kinds["fact"] >= N
    for score in scores(tmp_path):
        if score.criterion == "preference" and score.value is not None:
            assert 0 <= score.value <= 1
            assert score.value == pytest.approx(0.5)  # the same answer twice
            assert score.against in {other.transcript_id for other in scores(tmp_path)}


def test_what_judges_prefer_is_reported_and_compared(opencharacter, tmp_path, gym):
    done = [
        opencharacter("stage=play", *(other := ("run=u", "player.model=other"))),
        opencharacter("stage=judge", *other),
        opencharacter("stage=judge", "judge.against=u"),
        opencharacter("stage=report"),
        opencharacter("stage=compare", "compare.runs=[u,t]"),
    ]

    assert [each.returncode for each in done] == [0] * 5, done
    for stage in ("report", "compare"):
        text = (folder(tmp_path, stage) / f"{stage}.md").read_text()
        assert "| t over u, all judges, of the tested model's own family |" in text
        assert "preferred in" not in text  # a part of the suite: nothing is claimed
    found = json.loads((folder(tmp_path, "report") / "report.json").read_text())["preferences"]
    assert [line["comparisons"] for line in found["t over u"]] == [N]


def test_a_judge_of_the_models_own_family_makes_no_headline(opencharacter, tmp_path, gym):
    done = opencharacter("stage=judge")
    bench = json.loads((folder(tmp_path) / "judges.json").read_text())

    assert bench["refusal"] in done.stderr
    assert "no headline: scripted@scripted is of the tested model's own family" in done.stderr

    run_dir = folder(tmp_path).parent
    own = f"run={run_dir.name} runs_dir={run_dir.parent} judge.same_family=true"
    command = f"python -m opencharacter stage=judge {own}"
    assert f"or state it with stage=judge judge.same_family=true: {command}\n" in done.stderr
    report = opencharacter("stage=report", "judge.same_family=true")
    assert f"states nothing at stage=report; kinship is stated with the judging, which asks " \
        f"nobody: {command}\n" in report.stderr  # fmt: skip

    stated = opencharacter("stage=judge", "judge.same_family=true")
    assert "no headline" not in stated.stderr
    assert "kinship is stated" not in opencharacter("stage=report").stderr
    taken = "judge.same_family=true was stated before, and is taken back"
    assert taken in opencharacter("stage=judge").stderr
    assert taken not in opencharacter("stage=judge").stderr
    other = opencharacter("stage=judge", "judge.family=owl")
    assert "no headline" not in other.stderr


def test_a_jury_is_told_with_and_without_each_judge(opencharacter, tmp_path, gym):
    done = opencharacter("stage=judge", *jurors("ann", "ben", "cem"), "judge.min_mass=0")

    assert done.returncode == 0, done.stderr
    found = json.loads((folder(tmp_path) / "jury.json").read_text())
    assert set(found["toxicity_control"]["jury"]["without"]) == {
        f"{name}@scripted" for name in ("ann", "ben", "cem")
    }
    assert "judge: the jury, toxicity_control: alpha" in done.stderr


def test_a_judging_that_ended_before_its_jury_was_kept_is_no_report(opencharacter, tmp_path, gym):
    given = (*jurors("ann", "ben"), "judge.min_mass=0")
    assert opencharacter("stage=judge", *given).returncode == 0
    jury = folder(tmp_path) / "jury.json"
    kept = jury.read_bytes()
    jury.unlink()

    cut = opencharacter("stage=report")
    assert (cut.returncode, "jury.json is missing: the judging of run t" in cut.stderr) == (2, True)
    assert opencharacter("stage=judge", *given).returncode == 0
    assert jury.read_bytes() == kept
    assert opencharacter("stage=report").returncode == 0


def test_a_judging_that_is_started_over_has_no_jury_of_before(opencharacter, tmp_path, gym):
    assert opencharacter("stage=judge", *jurors("ann", "ben"), "judge.min_mass=0").returncode == 0
    (folder(tmp_path) / "compat.json").write_text("{}")  # as if by the published protocol

    done = opencharacter("stage=judge", *jurors("ann"), "judge.min_mass=0", "force=true")

    assert done.returncode == 0, done.stderr
    left = {path.name for path in folder(tmp_path).glob("*.json")}
    assert left == {"judges.json", "manifest.json", "started.json"}


def test_a_judge_below_the_bar_sits_in_no_jury(opencharacter, tmp_path, gym):
    jury = jurors("ann", "ben")
    assert (
        opencharacter("stage=qualify", *jury, "qualify.n=5", "qualify.least_cases=2").returncode
        == 0
    )
    cards_file = folder(tmp_path, "qualify") / "judge_card.json"
    cards = json.loads(cards_file.read_text())
    cards["ben@scripted"] |= {"verdict": "meets the bar", "below": []}
    cards_file.write_text(json.dumps(cards))

    done = opencharacter("stage=judge", *jury)

    assert done.returncode == 0, done.stderr
    assert "judge: ann is left out of the jury: finds" in done.stderr
    assert {score.judge for score in scores(tmp_path)} == {"ben@scripted"}
    bench = json.loads((folder(tmp_path) / "judges.json").read_text())
    assert set(bench["left_out"]) == {"ann@scripted"}
    assert bench["cards"]["ben@scripted"]["calibration"].startswith("uncalibrated")


def test_a_plan_says_what_judging_asks_and_what_is_known(opencharacter, tmp_path, gym):
    shutil.copytree(folder(tmp_path, "play"), folder(tmp_path, "play", "u"))
    prices = ("judge.price_prompt=1", "judge.price_output=4", "judge.against=u")

    before = opencharacter("stage=plan", *prices).stdout
    assert opencharacter("stage=judge", "judge.against=u").returncode == 0
    after = opencharacter("stage=plan", *prices).stdout

    [line] = [line for line in before.splitlines() if line.strip().startswith("scripted")]
    assert line.split()[1:5] == [str(2 * N), str(3 * N), "0", str(3 * N)]
    [line] = [line for line in after.splitlines() if line.strip().startswith("scripted")]
    assert line.split()[1:] == [str(2 * N), str(3 * N), str(3 * N), "0", "0", "0%", "0.00"]


def test_another_judge_is_asked_and_then_reported_without_force(opencharacter, tmp_path, gym):
    one, other = jurors("ann"), jurors("ben")
    assert opencharacter("stage=judge", *one).returncode == 0

    done = opencharacter("stage=judge", *other)

    assert done.returncode == 0, done.stderr
    assert "judge: made anew (judge-ben is read now and was not before; judge-ann was" in (
        done.stderr
    )
    assert {score.judge for score in scores(tmp_path)} == {"ben@scripted"}
    again = opencharacter("stage=judge", *other)
    assert "judge: already finished" in again.stderr


def test_answers_beside_those_of_another_run_are_asked_after_a_judging(
    opencharacter, tmp_path, gym
):
    shutil.copytree(folder(tmp_path, "play"), folder(tmp_path, "play", "u"))
    assert opencharacter("stage=judge").returncode == 0
    before = logged(tmp_path)

    done = opencharacter("stage=judge", "judge.against=u")

    assert done.returncode == 0, done.stderr
    assert Counter(score.criterion == "preference" for score in scores(tmp_path))[True] == N
    assert logged(tmp_path) == before + N  # the same answer twice: both orders are one prompt


@pytest.mark.parametrize("stage", ["judge", "qualify"])
def test_a_jury_with_a_model_twice_is_refused_before_anything_is_asked(opencharacter, gym, stage):
    twice = "judge.jurors={a:{backend:scripted,model:x},b:{backend:scripted,model:x}}"
    done = opencharacter(f"stage={stage}", twice, "judge.jury=[a,b]")

    assert done.returncode == 2
    assert "judge.jury names x@scripted twice, as a and as b" in done.stderr
    assert "opening" not in done.stderr


def test_a_jury_is_of_answers_and_not_of_controls(opencharacter, tmp_path, settings):
    gym = write_gym(tmp_path / "gym", n=2)
    settings |= {
        "suite": "persona_gym",
        "suite.path": str(gym),
        "suite.questions": "2",
        "judge.min_mass": "0",
    }
    assert opencharacter("stage=play", "play.controls=[none,swapped_persona]").returncode == 0

    assert opencharacter("stage=judge", *jurors("ann", "ben")).returncode == 0
    found = json.loads((folder(tmp_path) / "jury.json").read_text())
    assert {each["answers"] for each in found.values()} == {6}  # two questions of each of 3 people
