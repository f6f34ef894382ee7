"""The qualify stage: a card for each judge, and no headline claims what nobody has checked."""

import json
import re
import shlex
import shutil
from dataclasses import replace

import pytest

from opencharacter.compose import compose_config
from opencharacter.ids import digest
from opencharacter.job.qualifying import check_judged
from opencharacter.prompts.rubrics import load_rubric, rubrics_dir
from tests.evaluation.gym import write_gym
from tests.evaluation.judged import item

FEW = "has too few cases to say"


@pytest.fixture
def gym(tmp_path, settings, opencharacter):
    gym = write_gym(tmp_path / "gym", n=2)
    settings |= {"suite": "persona_gym", "suite.path": str(gym), "suite.questions": "2"}
    assert opencharacter("stage=play").returncode == 0


def folder(tmp_path):
    return tmp_path / "runs" / "t" / "qualify"


def cards(tmp_path):
    return json.loads((folder(tmp_path) / "judge_card.json").read_text())


def test_a_judge_gets_a_card(opencharacter, tmp_path, gym):
    done = opencharacter("stage=qualify", "qualify.n=10", "qualify.least_cases=10")

    assert done.returncode == 0, done.stderr
    card = cards(tmp_path)["scripted@scripted"]
    assert card["passed"] is False  # its verdicts are a hash of the prompt
    assert (
        card["detects"]["ai_disclaimer"]["n"] + card["detects"]["ai_disclaimer"]["unscored"] == 10
    )
    assert "uncalibrated" in card["calibration"]
    assert "qualify: scripted@scripted is below the bar: finds" in done.stderr
    assert "| finds ai_disclaimer |" in (folder(tmp_path) / "judge_card.md").read_text()


def test_a_run_in_which_nobody_is_played_qualifies_no_judge(opencharacter, tmp_path, settings):
    settings |= {"suite": "retention"}
    assert opencharacter("stage=play").returncode == 0
    done = opencharacter("stage=qualify")

    assert done.returncode == 2
    assert "nothing of run=t is to be judged: nobody is played there" in done.stderr
    assert not (folder(tmp_path) / "judge_card.json").exists()


def test_where_rules_alone_score_a_card_is_said_to_bear_no_score(capsys):
    config, rubric = compose_config(["stage=qualify", "run=t"]), load_rubric("role_play")
    judged = item(("Who?",), answers=("Ida Vik",))
    check_judged(config, {"judged": judged}, rubric)
    assert capsys.readouterr().err == ""

    check_judged(config, {"ruled": replace(judged, dimensions=("fact_stated",))}, rubric)
    assert "no score of this run rests on it" in capsys.readouterr().err


def test_what_was_judged_before_is_not_asked_again(opencharacter, tmp_path, gym):
    assert opencharacter("stage=qualify", "qualify.n=10").returncode == 0

    again = opencharacter("stage=qualify", "qualify.n=10", "force=true")

    assert again.returncode == 0, again.stderr
    assert "opening" not in again.stderr
    lenient = ("qualify.least_detected=0", "qualify.least_kept=0", "qualify.least_scored=0")
    passed = opencharacter("stage=qualify", "qualify.n=10", *lenient)
    assert "qualify: scripted@scripted meets the bar" in passed.stderr


def test_labels_of_people_come_from_the_page_and_go_onto_the_card(opencharacter, tmp_path, gym):
    done = opencharacter("stage=qualify", "qualify.n=5", "qualify.page=12")
    assert "12 answers to label in" in done.stderr
    page = (folder(tmp_path) / "labels.html").read_text()
    keys = sorted(set(re.findall(r'"key": "([^"]+)"', page)))
    assert len(keys) == 12
    files = []
    for annotator in ("ann", "ben", "cem"):
        rows = [f"{key},{annotator},{1 + len(key + annotator) % 5}" for key in keys]
        files.append(tmp_path / f"{annotator}.csv")
        files[-1].write_text("\n".join(["key,annotator,points", *rows]) + "\n")

    given = f"qualify.labels=[{','.join(map(str, files))}]"
    few = opencharacter("stage=qualify", "qualify.n=5", given)
    assert cards(tmp_path)["scripted@scripted"]["is_calibrated"] is False
    assert "uncalibrated: 12 labelled answers have a verdict, asked are 30" in few.stderr
    assert "qualify: labels: 12 of ann, 12 of ben, 12 of cem" in few.stderr
    enough = ("qualify.least_labelled=12", "judge.min_mass=0")
    done = opencharacter("stage=qualify", "qualify.n=5", given, *enough)

    assert done.returncode == 0, done.stderr
    card = cards(tmp_path)["scripted@scripted"]
    assert (card["calibration"], card["people"]["annotators"]) == ("labelled by people", 3)
    assert card["people"]["answers"] == 12
    assert "uncalibrated" not in done.stderr


def cited(tmp_path):
    """Return the card that the judging of the run cites."""
    bench = json.loads((folder(tmp_path).parent / "judge" / "judges.json").read_text())
    return bench["cards"]["scripted@scripted"]


def test_a_card_counts_for_the_rubrics_that_it_is_by(opencharacter, tmp_path, gym):
    own = tmp_path / "own"
    shutil.copytree(rubrics_dir() / "role_play", own)
    criterion = own / "toxicity_control.yaml"
    criterion.write_text(criterion.read_text().replace("?", " at all?"))
    assert opencharacter("stage=qualify", "qualify.n=5").returncode == 0

    other = opencharacter("stage=judge", f"judge.rubrics={own}")
    assert (other.returncode, cited(tmp_path)) == (0, None)
    assert "the card of scripted@scripted in" in other.stderr
    assert "does not count: it is by role_play@" in other.stderr
    same = opencharacter("stage=judge", "force=true")
    assert (same.returncode, cited(tmp_path)["verdict"]) == (0, FEW), same.stderr
    assert "does not count" not in same.stderr


def test_a_card_of_older_transcripts_does_not_count(opencharacter, tmp_path, gym):
    assert opencharacter("stage=qualify", "qualify.n=5").returncode == 0
    assert opencharacter("stage=play", "play.samples=2", "force=true").returncode == 0

    done = opencharacter("stage=judge")

    assert (done.returncode, cited(tmp_path)) == (0, None)
    assert "counts:" in done.stderr
    assert "was made from an older play" in done.stderr


def test_a_judge_that_is_qualified_after_judging_is_cited_with_its_hash(
    opencharacter, tmp_path, gym
):
    assert opencharacter("stage=judge", "judge.family=owl").returncode == 0
    assert opencharacter("stage=qualify", "qualify.n=5").returncode == 0
    assert opencharacter("stage=report").returncode == 0

    report = json.loads((folder(tmp_path).parent / "report" / "report.json").read_text())
    assert "The card of scripted@scripted has too few cases to say: finds" in " ".join(
        report["cautions"]
    )
    assert report["card_hashes"] == {
        "scripted@scripted": digest(cards(tmp_path)["scripted@scripted"])
    }


def test_a_qualifying_whose_cards_cannot_be_written_is_not_finished(opencharacter, tmp_path, gym):
    (folder(tmp_path) / "judge_card.json").mkdir(parents=True)

    with pytest.raises(OSError, match=r"judge_card\.json"):
        opencharacter("stage=qualify", "qualify.n=5")

    assert not (folder(tmp_path) / "manifest.json").exists()
    (folder(tmp_path) / "judge_card.json").rmdir()
    assert opencharacter("stage=qualify", "qualify.n=5").returncode == 0
    assert set(cards(tmp_path)) == {"scripted@scripted"}


def one(name):
    """Return the settings of a judge of this name, alone."""
    return f"judge.model={name}", "qualify.n=5"


def test_judges_may_be_qualified_one_by_one(opencharacter, tmp_path, gym):
    assert opencharacter("stage=qualify", *one("ann")).returncode == 0
    first = cards(tmp_path)["ann@scripted"]

    done = opencharacter("stage=qualify", *one("ben"))

    assert done.returncode == 0, done.stderr
    assert cards(tmp_path)["ann@scripted"] == first
    assert set(cards(tmp_path)) == {"ann@scripted", "ben@scripted"}
    assert "already finished" in opencharacter("stage=qualify", *one("ann")).stderr
    assert set(cards(tmp_path)) == {"ann@scripted", "ben@scripted"}


def test_the_card_of_another_judge_keeps_its_labels(opencharacter, tmp_path, gym):
    assert opencharacter("stage=qualify", *one("ann"), "qualify.page=12").returncode == 0
    keys = set(re.findall(r'"key": "([^"]+)"', (folder(tmp_path) / "labels.html").read_text()))
    labels = tmp_path / "ann.csv"
    rows = [f"{key},eve,{1 + len(key) % 5}" for key in sorted(keys)]
    labels.write_text("\n".join(["key,annotator,points", *rows]) + "\n")
    given = f"qualify.labels=[{labels}]"
    assert opencharacter("stage=qualify", *one("ann"), given).returncode == 0
    people = cards(tmp_path)["ann@scripted"]["people"]

    done = opencharacter("stage=qualify", *one("ben"))

    assert "the card of ann@scripted stays, with the labels" in done.stderr
    assert people["answers"] == 12
    assert cards(tmp_path)["ann@scripted"]["people"] == people
    assert cards(tmp_path)["ben@scripted"]["people"] == {}

    [path] = (tmp_path / "runs" / "t").glob("qualify-ann/card.json")
    path.unlink()  # as where that command was killed before it wrote the card
    done = opencharacter("stage=qualify", *one("ben"), "qualify.least_kept=0")
    assert "stays, with the labels" not in done.stderr
    [told] = re.findall(r"give its labels again, which asks nobody: (.*)", done.stderr)
    words = shlex.split(told)[3:]
    assert given in words
    done = opencharacter(*words)
    assert done.returncode == 0, done.stderr
    assert cards(tmp_path)["ann@scripted"]["people"] == people


def test_a_card_of_older_transcripts_does_not_stay_and_that_is_told(opencharacter, tmp_path, gym):
    assert opencharacter("stage=qualify", *one("ann")).returncode == 0
    assert opencharacter("stage=play", "play.samples=2", "force=true").returncode == 0

    done = opencharacter("stage=qualify", *one("ben"))

    assert "ann@scripted has no card that counts:" in done.stderr
    assert "was made from an older play" in done.stderr
    assert set(cards(tmp_path)) == {"ben@scripted"}
