"""The verdicts that all runs share: kills, a full disk, two judges at once, damaged files."""

import json
import re
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from opencharacter.compose import compose_config
from opencharacter.job import Job
from opencharacter.job.kept import kept_of
from opencharacter.records import Score
from opencharacter.stages import judge
from opencharacter.store.rows import read_records
from tests.conftest import overrides
from tests.evaluation.gym import write_gym
from tests.llm.serving import reply
from tests.llm.serving import serving as serving_answers

CRITERIA = (
    "action_justification",
    "expected_action",
    "linguistic_habits",
    "persona_consistency",
    "toxicity_control",
)
N = 3 * 5 * 2  # people, tasks, questions
FALLING = Path(__file__).parents[1] / "e2e" / "falling.py"


@pytest.fixture
def runs(tmp_path, settings, opencharacter):
    """Play two runs alike; return the folder of runs."""
    settings |= {
        "suite": "persona_gym",
        "suite.path": str(write_gym(tmp_path / "gym", n=2)),
        "suite.questions": "2",
    }
    done = opencharacter("stage=play")
    assert done.returncode == 0, done.stderr
    shutil.copytree(tmp_path / "runs" / "t" / "play", tmp_path / "runs" / "u" / "play")
    return tmp_path / "runs"


def keys(folder):
    """Return the keys of all whole lines of the logs in a folder."""
    lines = [line for path in folder.glob("*.jsonl") for line in path.read_bytes().splitlines()]
    found = []
    for line in lines:
        try:
            found.append(json.loads(line)["key"])
        except ValueError:
            continue
    return found


def asked(runs, run):
    """Return what a run has asked itself."""
    return keys(runs / run / "judge-scripted" / "completions")


def values(runs, run):
    scores = list(read_records(runs / run / "judge" / "data", Score))
    assert len({score.id for score in scores}) == len(scores)
    return sorted((score.transcript_id, score.criterion, score.value) for score in scores)


def judge_and_fall(settings, folder, last):
    """Judge until the `last` thing that is done to a folder; a line that is written is torn."""
    command = [sys.executable, str(FALLING), str(folder), str(last)]
    words = [*command, *overrides(settings, ("stage=judge",))]
    return subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)


def test_killed_while_judging_nothing_is_lost_nor_asked_twice(
    opencharacter, runs, settings, tmp_path
):
    assert opencharacter("stage=judge", "run=u", f"judge.cache={tmp_path}/other").returncode == 0

    for folder, last in (("judged", 6), ("t/judge-scripted", 40), ("judged", 12)):
        fallen = judge_and_fall(settings, runs / folder, last)
        assert fallen.returncode == -signal.SIGKILL, fallen.stderr
    torn = len(asked(runs, "t"))
    assert len(keys(runs / "judged")) < torn  # the last kill came between the two logs
    done = opencharacter("stage=judge")

    assert done.returncode == 0, done.stderr
    assert 0 < torn < N
    assert len(asked(runs, "t")) == len(set(asked(runs, "t"))) == N
    assert sorted(keys(runs / "judged")) == sorted(asked(runs, "t"))
    assert values(runs, "t") == values(runs, "u")


def test_a_full_disk_is_one_line_and_the_same_command_goes_on(opencharacter, runs, settings):
    every = f"judge.criteria=[{','.join(CRITERIA)}]"  # so that a log is longer than config.yaml
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        full = opencharacter("stage=judge", every)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    kept = len(keys(runs / "judged"))

    assert full.returncode == 2
    assert "the limit on file sizes is reached while writing" in full.stderr
    assert "the same command again: finished parts and logged answers are kept" in full.stderr
    done = opencharacter("stage=judge", every)
    assert done.returncode == 0, done.stderr
    assert 0 < kept < 5 * N
    assert len(asked(runs, "t")) == len(set(asked(runs, "t"))) == 5 * N
    assert sorted(keys(runs / "judged")) == sorted(asked(runs, "t"))


def test_two_judges_at_once_write_beside_each_other(runs, start_process, opencharacter):
    both = [start_process("stage=judge", f"run={run}") for run in ("t", "u")]
    for process in both:
        _, complaint = process.communicate(timeout=120)
        assert process.returncode == 0, complaint

    assert values(runs, "t") == values(runs, "u")
    # Whoever was first asked; a verdict stands as often as it was paid for.
    assert len(keys(runs / "judged")) == len(asked(runs, "t")) + len(asked(runs, "u"))
    assert len(set(keys(runs / "judged"))) == N


def test_a_damaged_file_of_verdicts_is_told_and_only_what_it_held_is_asked(opencharacter, runs):
    assert opencharacter("stage=judge").returncode == 0
    [path] = (runs / "judged").glob("*.jsonl")
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:-3], b"not JSON\n", b'{"key": "aa"}\n', lines[-1][:30]]))

    done = opencharacter("stage=judge", "run=u")

    assert done.returncode == 0, done.stderr
    assert f"judge: 2 lines of {path} cannot be read" in done.stderr
    assert len(asked(runs, "u")) == 3
    assert values(runs, "t") == values(runs, "u")


def test_several_damaged_files_are_told_in_one_line(opencharacter, runs):
    assert opencharacter("stage=judge").returncode == 0
    for name in ("-a", "-b"):
        (runs / "judged" / f"{name}.jsonl").write_text("not JSON\n")

    done = opencharacter("stage=judge", "run=u")

    [line] = [one for one in done.stderr.splitlines() if "cannot be read" in one]
    first = runs / "judged" / "-a.jsonl"
    assert line.startswith(f"judge: 2 lines of {first} and 1 more of its folder cannot")


def juries(*names):
    models = ",".join(f"{name}:{{backend:scripted,model:{name}}}" for name in names)
    return f"judge.jurors={{{models}}}", f"judge.jury=[{','.join(names)}]"


@pytest.mark.parametrize("stage", ["judge", "qualify"])
def test_two_processes_share_the_parts_of_a_jury(runs, start_process, stage):
    given = (f"stage={stage}", *juries("ann", "ben"), "parts=3", "qualify.n=5", "run=u")
    both = [start_process(*given) for _ in range(2)]
    for process in both:
        _, complaint = process.communicate(timeout=120)
        assert process.returncode == 0, complaint

    folder = runs / "u" / stage
    scores = list(read_records(folder / "data", Score))
    of_each = [
        list(read_records(runs / "u" / f"{stage}-{name}" / "data", Score))
        for name in ("ann", "ben")
    ]
    assert len(of_each[0]) == len(of_each[1]) > 0
    assert sorted(s.id for s in scores) == sorted(s.id for each in of_each for s in each)
    assert len({s.id for s in scores}) == len(scores)
    told = {"judge": ["judges.json", "jury.json"], "qualify": ["judge_card.json", "judge_card.md"]}
    for name in told[stage]:
        assert (folder / name).stat().st_size > 0


def test_parts_given_out_by_hand_are_gathered_by_the_last(opencharacter, runs):
    first = opencharacter("stage=judge", *juries("ann", "ben"), "parts=2", "part=0")
    assert first.returncode == 0, first.stderr
    assert not (runs / "t" / "judge").exists()

    last = opencharacter("stage=judge", *juries("ann", "ben"), "parts=2", "part=1")

    assert last.returncode == 0, last.stderr
    assert len({id_ for id_, *_ in values(runs, "t")}) == N
    assert (runs / "t" / "judge" / "jury.json").exists()


def test_a_judge_that_another_part_ends_meanwhile_is_gathered(settings, opencharacter, runs):
    given = (*juries("ann", "ben"), "parts=2")
    config = compose_config(overrides(settings, ("stage=judge", *given, "part=0")))
    ended = []

    class Meanwhile(Job):
        """The other part is done while this one is at its second judge."""

        def model(self, asked):
            if asked.model == "ben" and not ended:
                ended.append(opencharacter("stage=judge", *given, "part=1"))
            return super().model(asked)

    with Meanwhile(config, command="test") as job:
        judge.run(config, job)

    assert [done.returncode for done in ended] == [0], ended
    assert len(list(read_records(runs / "t" / "judge" / "data", Score))) == 2 * N


def by_server(server, *more):
    """Return the settings of a judge that a server of tests serves as `llama`."""
    at = ("llm@judge=endpoint", f"judge.base_url={server.url}", "judge.model=llama")
    return ("stage=judge", *at, "judge.label_probabilities=false", *more)


def giving(points, *models):
    """Return a server whose answers give so many points, by its models in turn."""

    def answer(question, try_):
        served.append(models[len(served) % len(models)])
        return reply(f'{{"points": {points}}}', model=served[-1])

    served: list[str] = []
    return serving_answers(answer)


def test_another_server_with_a_model_of_the_same_name_is_asked_itself(opencharacter, runs):
    with giving(2, "llama") as (_, strict), giving(5, "llama") as (_, lenient):
        for run, server in (("t", strict), ("u", lenient), ("u", lenient)):
            done = opencharacter(*by_server(server, f"run={run}"))
            assert done.returncode == 0, done.stderr
        assert (len(strict.bodies), len(lenient.bodies)) == (N, N)
    assert {value for *_, value in values(runs, "t")} == {2.0}
    assert {value for *_, value in values(runs, "u")} == {5.0}


def test_what_one_server_said_is_not_kept_as_another_server_s(opencharacter, runs):
    with giving(2, "llama") as (_, strict), giving(5, "llama") as (_, lenient):
        moved = (lenient, "judge.min_mass=0.4")
        for run, given in (("t", (strict,)), ("t", moved), ("u", moved)):
            done = opencharacter(*by_server(*given, f"run={run}"))
            assert done.returncode == 0, done.stderr
        assert (len(strict.bodies), len(lenient.bodies)) == (N, N)
    assert {value for *_, value in values(runs, "u")} == {5.0}


def test_a_revision_says_that_two_servers_have_one_model(opencharacter, runs):
    with giving(2, "llama") as (_, old), giving(5, "llama") as (_, new):
        for run, server in (("t", old), ("u", new)):
            done = opencharacter(*by_server(server, f"run={run}", "judge.revision=a1b2"))
            assert done.returncode == 0, done.stderr
        assert (len(old.bodies), len(new.bodies)) == (N, 0)
    assert values(runs, "t") == values(runs, "u")


def test_verdicts_of_two_dated_models_under_one_name_are_told(opencharacter, runs):
    told = "judge: the verdicts are of 2 models, llama-2024-05-13, llama-2024-08-06; name one"
    with giving(4, "llama-2024-05-13", "llama-2024-08-06") as (_, server):
        assert told in opencharacter(*by_server(server)).stderr
        assert told in opencharacter(*by_server(server, "run=u")).stderr  # nothing new is asked
        assert len(server.bodies) == N


def test_a_number_format_that_was_asked_for_has_verdicts_of_its_own(tmp_path):
    given = ("stage=judge", f"runs_dir={tmp_path}", "judge.backend=vllm")
    found = {
        dtype: kept_of(config.judge, config).folder
        for dtype in ("auto", "float32")
        if (config := compose_config([*given, f"judge.dtype={dtype}"]))
    }
    assert found == {"auto": tmp_path / "judged", "float32": tmp_path / "judged" / "float32"}


def test_no_secret_of_an_address_names_a_folder(tmp_path):
    at = ("llm@judge=endpoint", "judge.base_url=http://me:secret@host.example:8000/v1")
    given = ("stage=judge", *at, "judge.model=m", f"judge.cache={tmp_path}")
    config = compose_config(given)
    shown = kept_of(config.judge, config).folder.relative_to(tmp_path)
    assert re.fullmatch(r"host\.example-[0-9a-f]{8}", str(shown))
