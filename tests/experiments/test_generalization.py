"""The generalisation experiment: its cells, equal trainings, and a verdict that follows by rule."""

import os
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

import pytest

from experiments.generalization import curves, page, personas
from experiments.generalization.plot import svg
from opencharacter.sources.near import letters_of

FOLDER = Path(__file__).parents[2] / "experiments" / "generalization"


def sh(*words, **more):
    command = [FOLDER / "run.sh", *words]
    environment = {**os.environ, **more}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True)


def cell(n, share, *, method="generate", seed=1, inside=None, tokens=340_000, wrong=0):
    """Return a cell of 40 unseen characters with ten questions each, of which a share is stated."""
    first = curves.CHARACTERS.index(n)
    spread = [(-1, 0, 0, 1)[(first + at) % 4] * (0 < share < 1) for at in range(40)]
    hits = [round(10 * share) + each for each in spread]
    known = {f"in{at}": {"direct": [10, round(10 * (inside or share)), 0]} for at in range(n)}
    unseen = {f"out{at}": {"direct": [10, hit, wrong]} for at, hit in enumerate(hits)}
    return {"method": method, "n": n, "seed": seed, "tokens": tokens, "in": known, "out": unseen,
            "characters": n, "dialogues": 40, "epochs": 1.0, "steps": 83, "loss": 0.5}  # fmt: skip


def test_the_grid_is_six_numbers_two_methods_and_three_seeds_and_begins_with_a_whole_curve():
    listed = [line.split() for line in sh("cells").stdout.splitlines()]

    assert len({tuple(each) for each in listed}) == 36
    assert Counter(seed for *_, seed in listed) == {"1": 12, "2": 12, "3": 12}
    assert {int(n) for method, n, seed in listed[:6]} == set(curves.CHARACTERS)
    assert {(method, seed) for method, n, seed in listed[:6]} == {("generate", "1")}


def test_a_cell_is_these_commands():
    lines = sh("cell", "2", DRY="1", RUNS="R").stdout.splitlines()

    run = "runs_dir=R experiment=generalization"
    assert [line.split("-m opencharacter ")[1].strip() for line in lines] == [
        f"stage=instructions run=generate-16-s1 {run} seed=1 "
        "instructions.paths=[embedded/interviews]",
        f"stage=generate run=generate-16-s1 {run} seed=1 synth.n_characters=16 synth.pool=16 "
        "teacher.threads=1",
        f"stage=mix run=generate-16-s1 {run} seed=1 mix.methods=[generate]",
        f"stage=tokenize run=generate-16-s1 {run} seed=1",
        f"stage=train run=generate-16-s1 {run} seed=1 train.epochs=EPOCHS",
        f"stage=eval run=generate-16-s1-out {run} suite=profile_facts suite.run=generate-16-s1 "
        "llm@player=trained player.run=generate-16-s1 player.threads=1 suite.who=heldout",
        f"stage=eval run=generate-16-s1 {run} suite=profile_facts suite.run=generate-16-s1 "
        "llm@player=trained player.run=generate-16-s1 player.threads=1 suite.who=trained "
        "suite.n=16 report.runs=[generate-16-s1-out]",
    ]


def test_a_task_of_the_array_is_the_cell_of_its_number():
    environment = {**os.environ, "DRY": "1", "SLURM_ARRAY_TASK_ID": "35", "THREADS": "4"}
    command = ["bash", "experiments/generalization/cells.sbatch"]
    done = subprocess.run(command, cwd=FOLDER.parents[1], env=environment, capture_output=True,
                          text=True, check=True)  # fmt: skip

    assert "run=rewrite-64-s3" in done.stdout.splitlines()[-1]
    assert "mix.methods=[rewrite]" in done.stdout


def test_a_finished_cell_is_skipped(tmp_path):
    (tmp_path / "cells").mkdir()
    (tmp_path / "cells" / "generate-1024-s1.json").touch()

    done = sh("cell", "0", RESULTS=str(tmp_path), RUNS=str(tmp_path / "runs"))

    assert done.stdout == "generate-1024-s1: finished already\n"
    assert not (tmp_path / "runs").exists()


def test_a_cell_that_somebody_is_at_is_left_alone(tmp_path):
    lock = tmp_path / ".generate-1024-s1.lock"
    with subprocess.Popen(["flock", lock, "sh", "-c", "echo held; read _"], text=True,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:  # fmt: skip
        other.stdout.readline()
        done = sh("cell", "0", RUNS=str(tmp_path), RESULTS=str(tmp_path))
        other.stdin.close()

    assert done.stdout == "generate-1024-s1: another process is at it\n"


def test_a_cell_that_fails_keeps_no_other_from_being_done_and_is_named_at_the_end(tmp_path):
    broken = tmp_path / "python"
    broken.write_text(
        "#!/bin/sh\n"
        'case $* in *stage=instructions*) exit 2 ;; *generalization.personas*) : > "$5" ;; esac\n'
    )
    broken.chmod(0o755)
    (tmp_path / "pool" / "personas").mkdir(parents=True)
    (tmp_path / "pool" / "profiles").mkdir()
    more = {"OPENCHARACTER_PYTHON": str(broken), "RUNS": str(tmp_path), "SEEDS": "1",
            "RESULTS": str(tmp_path / "results"), "NUMBERS": "4 1"}  # fmt: skip

    done = subprocess.run([FOLDER / "run.sh"], env=os.environ | more, capture_output=True,
                          text=True, check=False)  # fmt: skip

    assert done.returncode == 1
    assert "cells that failed, each with its reason above: 0 1 2 3" in done.stderr


@pytest.mark.skipif(not shutil.which("shellcheck"), reason="shellcheck is not installed")
def test_the_scripts_pass_shellcheck():
    scripts = [*FOLDER.glob("*.sh"), *FOLDER.glob("*.sbatch")]

    assert len(scripts) == 2
    subprocess.run(["shellcheck", *scripts], check=True)


def test_exactly_the_asked_number_is_held_out_and_no_two_are_alike():
    drawn = personas.drawn(100, 6)

    assert len({letters_of(line) for line in drawn}) == 106
    assert personas.drawn(100, 6) == drawn


def test_unequal_trainings_are_refused():
    curves.check_equal([cell(1, 0.5), cell(4, 0.5, tokens=345_000)])
    with pytest.raises(ValueError, match=r"340,000 to 400,000 tokens"):
        curves.check_equal([cell(1, 0.5), cell(4, 0.5, tokens=400_000)])


def test_a_share_is_over_all_questions_and_its_interval_over_characters():
    found = curves.share({"a": (10, 4), "b": (30, 24)})

    assert (found.value, found.n, found.clusters) == (0.7, 40, 2)


@pytest.mark.parametrize(
    ("shares", "said"),
    [
        pytest.param((0.1, 0.5, 0.9), "yes, more characters carry over: +80.0 points", id="rises"),
        pytest.param((0.9, 0.5, 0.1), "no, more characters harm: -80.0 points", id="falls"),
        pytest.param((0.5, 0.9, 0.5), "not shown: +0.0 points", id="ends are equal"),
    ],
)
def test_the_verdict_follows_from_the_ends_of_the_curve(shares, said):
    cells = [cell(n, share) for n, share in zip((1, 16, 1024), shares, strict=True)]

    assert said in curves.verdict(cells, "generate")[0]


def test_a_step_is_a_gain_only_where_it_is_shown():
    cells = [cell(1, 0.1), cell(4, 0.1), cell(16, 0.8)]

    assert [step.is_gain for step in curves.steps(cells, "generate")] == [False, True]
    told = " ".join(curves.verdict(cells, "generate"))
    assert "a gain is shown (p <= 0.05 after Holm): 4 to 16. Steps at which a loss" in told
    assert "after Holm): none." in told


def test_a_loss_on_the_way_and_a_single_seed_are_told():
    cells = [cell(1, 0.1), cell(4, 0.8), cell(16, 0.3)]
    two = [*cells, *(cell(n, share, seed=2) for n, share in ((1, 0.1), (4, 0.8), (16, 0.3)))]

    told = " ".join(curves.verdict(cells, "generate"))
    assert "a loss is shown (p <= 0.05 after Holm): 4 to 16." in told
    assert "That is one training each" in told
    assert "one training each" not in " ".join(curves.verdict(two, "generate"))


def test_what_only_those_trained_on_gain_is_a_gap():
    cells = [cell(16, 0.2, inside=0.9), cell(64, 0.8, inside=0.8)]

    assert (
        "better than unseen ones with 16 of them; not shown with 64"
        in (curves.verdict(cells, "generate")[-1])
    )


def test_seeds_are_paired_with_themselves():
    cells = [cell(1, 0.2, seed=1), cell(1, 0.8, seed=2), cell(4, 0.8, seed=2)]

    assert curves.compared(cells, "generate", 4, 1).estimate.value == pytest.approx(0)


def test_cells_that_were_asked_different_questions_are_not_paired():
    with pytest.raises(ValueError, match="different questions"):
        curves.difference({"a": (10, 1)}, {"b": (10, 1)})


def test_with_one_number_of_characters_nothing_can_be_said():
    assert "nothing can be said" in curves.verdict([cell(1, 0.2)], "generate")[0]
    assert "nothing can be said" in curves.verdict([cell(1, 0.2)], "rewrite")[0]


def test_the_page_says_what_was_not_run_and_that_one_seed_is_one():
    base = {"name": "base", "out": {"out0": {"direct": [4, 1, 0]}}}
    text = page.page([cell(1, 0.1, wrong=9), cell(1024, 0.9)], "Busy.", [base])

    assert "2 of 36 cells are finished." in text
    assert "Not run: generate, seed 1, numbers of characters: 4, 16, 64, 256." in text
    assert "stated: base 25.0%." in text
    assert "| generate | 1 | 10.0% [" in text
    assert "| 90.0% [" in text
    assert "Where there is one seed" in text


def test_the_committed_page_and_plot_are_what_the_code_writes_of_the_committed_cells():
    kept = FOLDER / "results"
    cells = page.read_cells(kept / "cells")
    written = page.page(cells, "", page.read_references(kept / "references"))
    plot = svg(page.curves(cells), ns=curves.CHARACTERS, title=page.TITLE)

    figures, machine, _ = (kept / "README.md").read_text("utf-8").partition("## Where it was run")
    assert written.partition(machine)[0] == figures
    assert plot == (kept / "curve.svg").read_text("utf-8")


def test_the_plot_is_an_image_that_loads_nothing():
    drawn = svg(page.curves([cell(1, 0.1), cell(1024, 0.9)]), ns=curves.CHARACTERS, title="a < b")

    root = ElementTree.fromstring(drawn)
    assert len(root.findall(".//{*}circle")) == 4
    assert "href" not in drawn
    assert "url(" not in drawn
