import json
import shlex
from pathlib import Path

import pytest

from opencharacter.compose import compose_config
from opencharacter.job import Job
from opencharacter.stages.plan import run as run_plan

REPRODUCE = (Path(__file__).parents[2] / "docs" / "reproduce.md").read_text(encoding="utf-8")


def plan(tmp_path, run="t"):
    return json.loads((tmp_path / "runs" / run / "plan" / "plan.json").read_text())["stages"]


def test_a_plan_from_assumptions_multiplies_them_out(opencharacter, tmp_path):
    done = opencharacter(
        "stage=plan", "plan.assume.personas=1000", "plan.assume.instructions=200",
        "synth.n_characters=3",
        "plan.assume.calls_per_answer=1", "plan.assume.answered=0.5", "plan.gpus=4",
        "plan.tokens_per_s=1000", "plan.price_output=2", "plan.assume.answer_output_tokens=360",
        "plan.assume.turns=2", "llm@teacher=llama3_70b_instruct",
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    stages = plan(tmp_path)
    assert [stages[s]["records"] for s in ("profiles", "rewrite", "generate")] == [1000, 300, 600]
    generate = stages["generate"]
    assert (generate["calls"], generate["output_tokens"]) == (1200, 1200 * 360)
    assert generate["hours"] == 1200 * 360 / 1000 / 3600
    assert generate["gpu_hours"] == 4 * generate["hours"]
    assert generate["usd"] == 1200 * 360 * 2 / 1e6
    assert stages["all"]["calls"] == 1000 + 300 + 1200
    assert "GPU time" in done.stdout
    assert "4 GPUs that write 1,000 tokens/s together" in done.stdout


def test_rows_of_the_hub_are_asked_for_before_a_pilot_is_paid(opencharacter, tmp_path):
    done = opencharacter(
        "stage=plan", "plan.pilot=4", "personas.n=10", "instructions.n=null",
        "instructions.paths=[hub:o/n]",
    )  # fmt: skip

    assert done.returncode == 2
    assert "plan.assume.instructions" in done.stderr
    assert not (tmp_path / "runs" / "t-pilot").exists()


def test_rows_on_this_machine_are_counted_as_the_stages_will(opencharacter, tmp_path):
    (tmp_path / "p.txt").write_text("A baker.\nA baker.\n\nA miller.\nA\x00bot.\n")
    rows = [{"instruction": f"Say {n}.", "output": "So."} for n in (1, 2, 2)]
    (tmp_path / "i.json").write_text(json.dumps(rows))

    done = opencharacter(
        "stage=plan", "personas=list", f"personas.path={tmp_path / 'p.txt'}", "personas.n=null",
        f"instructions.paths=[{tmp_path / 'i.json'}]", "instructions.n=null",
        "synth.n_characters=1",
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert [plan(tmp_path)[s]["records"] for s in ("profiles", "generate")] == [2, 2]


def test_a_pilot_measures_and_manifests_tell_planned_and_measured(opencharacter, tmp_path):
    given = ("personas.n=30", "instructions.n=12", "synth.n_characters=2")
    planned = opencharacter("stage=plan", *given, "plan.pilot=4")
    assert planned.returncode == 0, planned.stderr
    assert "a pilot of 4 instructions" in planned.stdout

    assert opencharacter("stage=synth", *given).returncode == 0

    manifest = json.loads((tmp_path / "runs" / "t" / "generate" / "manifest.json").read_text())
    assert manifest["planned"] == plan(tmp_path)["generate"]
    # Two turns each, as the pilot found out.
    assert manifest["planned"]["records"] == manifest["counts"]["in"] == 24
    assert manifest["planned"]["calls"] == manifest["usage"]["calls"] == 48


def test_a_plan_for_other_settings_is_not_called_planned(opencharacter, tmp_path):
    assert opencharacter("stage=plan", "personas.n=6", "instructions.n=2").returncode == 0
    given = ("personas.n=9", "instructions.n=2", "synth.n_characters=2")
    assert opencharacter("stage=synth", *given).returncode == 0

    manifest = json.loads((tmp_path / "runs" / "t" / "generate" / "manifest.json").read_text())
    assert "planned" not in manifest


def test_no_more_is_planned_than_a_source_has(opencharacter, tmp_path):
    assert opencharacter("stage=plan", "personas.n=5000", "instructions.n=5000").returncode == 0

    assert plan(tmp_path)["profiles"]["records"] == 56


def test_a_fact_check_is_one_more_call_that_reads_the_whole_dialogue(opencharacter, tmp_path):
    done = opencharacter(
        "stage=plan", "plan.assume.personas=10", "plan.assume.instructions=100",
        "synth.n_characters=1", "plan.assume.calls_per_answer=1", "plan.assume.turns=3",
        "plan.assume.answer_prompt_tokens=600", "plan.assume.answer_output_tokens=200",
        "plan.assume.verdict_prompt_tokens=700", "plan.assume.verdict_output_tokens=30",
        "generate.fact_check=mark", "synth.methods=[generate]",
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    generate = plan(tmp_path)["generate"]
    assert generate["calls"] == 100 * (3 + 1)
    assert generate["prompt_tokens"] == 100 * (3 * 600 + 700 + 3 * 200)
    assert generate["output_tokens"] == 100 * (3 * 200 + 30)


def test_a_pilot_measures_the_fact_check(opencharacter, tmp_path):
    given = ("personas.n=30", "instructions.n=12", "synth.n_characters=2")
    given += ("generate.fact_check=mark", "synth.methods=[generate]")
    assert opencharacter("stage=plan", *given, "plan.pilot=4").returncode == 0

    assert plan(tmp_path)["generate"]["calls"] == 24 * 3


def test_without_prices_of_its_own_a_plan_takes_the_teacher_s(opencharacter, tmp_path):
    given = ("personas.n=10", "instructions.n=2", "plan.assume.calls_per_answer=1")
    given += ("plan.assume.profile_prompt_tokens=100", "plan.assume.profile_output_tokens=300")
    given += ("teacher.price_prompt=1000", "teacher.price_output=2000")

    dear = opencharacter("stage=plan", *given)
    assert plan(tmp_path)["profiles"]["usd"] == (10 * 100 * 1000 + 10 * 300 * 2000) / 1e6
    assert "USD: 1000 for a million prompt tokens and 2000 for" in dear.stdout

    opencharacter("stage=plan", *given, "plan.price_output=1")
    assert plan(tmp_path)["profiles"]["usd"] == (10 * 100 * 1000 + 10 * 300 * 1) / 1e6

    free = opencharacter("stage=plan", *given, "plan.price_prompt=0", "plan.price_output=0")
    assert "USD" not in free.stdout


SMALL = ("personas.n=30", "instructions.n=12", "synth.n_characters=2")


@pytest.mark.parametrize(
    ("teacher", "said"),
    [
        ([], "a machine that writes 2,000 tokens/s (plan.tokens_per_s)"),
        (["llm@teacher=embedded"], "a machine that writes 2,000 tokens/s (plan.tokens_per_s)"),
        (["llm@teacher=gpt_4o_2024_05_13"], "For USD give teacher.price_prompt and teacher.price"),
    ],
    ids=["scripted", "embedded", "server"],
)
def test_no_gpu_is_planned_where_none_is_needed(opencharacter, tmp_path, teacher, said):
    done = opencharacter("stage=plan", *SMALL, *teacher)

    assert said in done.stdout
    assert "GPU" not in done.stdout
    assert plan(tmp_path)["all"]["gpu_hours"] == 0


def test_small_runs_are_told_in_small_units(opencharacter):
    each = ("plan.assume.calls_per_answer=1", "plan.assume.profile_output_tokens=100")
    each += ("plan.assume.answer_output_tokens=500", "plan.assume.bytes_per_record=1024")

    done = opencharacter("stage=plan", *SMALL, *each, "plan.tokens_per_s=100")

    # 30 profiles are 3,000 tokens and 24 answers are 12,000.
    profiles, generate = (
        next(line for line in done.stdout.splitlines() if stage in line).split()
        for stage in ("profiles", "generate")
    )
    assert profiles[-4:] == ["30.0", "s", "30.0", "KiB"]
    assert generate[-4:] == ["2.0", "min", "24.0", "KiB"]


def test_money_stands_beside_each_stage(opencharacter):
    each = ("plan.assume.calls_per_answer=1", "plan.assume.profile_output_tokens=1000")

    done = opencharacter("stage=plan", *SMALL, *each, "plan.price_output=100")

    (line,) = [line for line in done.stdout.splitlines() if "profiles" in line]
    assert "3.00" in line.split()  # 30 thousand tokens


def test_a_later_plan_of_the_same_pilot_shows_the_plan_alone(opencharacter):
    opencharacter("stage=plan", *SMALL, "plan.pilot=4")
    again = opencharacter("stage=plan", *SMALL, "plan.pilot=4")

    assert again.returncode == 0
    assert "Sample" not in again.stdout
    assert "Next" not in again.stdout


def test_another_pilot_is_refused_with_the_command_that_starts_it_over(opencharacter, tmp_path):
    opencharacter("stage=plan", *SMALL, "plan.pilot=2")
    refused = opencharacter("stage=plan", *SMALL, "plan.pilot=4")
    command = refused.stderr.partition("start it over with: ")[2].partition(",")[0].split()

    assert command[3:5] == ["stage=synth", "synth.n_characters=2"]
    assert {"run=t-pilot", "personas.n=8", "instructions.n=4", "force=true"} <= {*command}

    assert opencharacter(*command[3:]).returncode == 0
    assert opencharacter("stage=plan", *SMALL, "plan.pilot=4").returncode == 0


def test_a_pilot_is_told_by_a_name_that_hydra_reads(opencharacter):
    opencharacter("stage=plan", *SMALL, "plan.pilot=2", 'run="r(1)"')
    refused = opencharacter("stage=plan", *SMALL, "plan.pilot=4", 'run="r(1)"')

    command = shlex.split(refused.stderr.partition("start it over with: ")[2].partition(", or")[0])
    assert 'run="r(1)-pilot"' in command


def test_what_a_run_took_stands_below_what_was_planned(opencharacter):
    opencharacter("stage=plan", *SMALL)
    made = opencharacter("stage=synth", *SMALL)
    later = opencharacter("stage=plan", *SMALL)

    for done in (made, later):
        lines = [line.split() for line in done.stdout.splitlines()]
        at = next(n for n, words in enumerate(lines) if words[:2] == ["generate", "planned"])
        assert lines[at][2:4] == ["24", "25"]  # 24 x 1.05 of one turn
        assert lines[at + 1][:3] == ["took", "24", "48"]


def test_a_run_is_not_planned_with_other_settings(opencharacter, tmp_path):
    opencharacter("stage=synth", *SMALL)
    other = opencharacter("stage=plan", "personas.n=31", "judge.family=owl")
    fewer = opencharacter("stage=plan", *SMALL[:2], "synth.n_characters=1")

    assert other.returncode == fewer.returncode == 2
    assert "was started with other settings (personas.n was 30)" in other.stderr
    words = f"{' '.join(SMALL)} judge.family=owl run=t runs_dir={tmp_path}/runs"
    assert f"stage=plan {words}, or" in other.stderr
    assert "(synth.n_characters was 2)" in fewer.stderr


@pytest.mark.parametrize(
    ("recipe", "instructions", "method"),
    [
        ("opencharacter_g", 102_084, "generate"),
        ("opencharacter_r", 52_084, "rewrite"),
        ("ablation_1", 52_084, "rewrite"),
        ("ablation_2", 52_084, "rewrite"),
        ("ablation_3", 50_000, "generate"),
        ("ablation_4", 50_000, "generate"),
        ("ablation_5", 52_084, "generate"),
    ],
)
def test_a_recipe_of_the_paper_is_planned_as_it_stands(tmp_path, recipe, instructions, method):
    config = compose_config(
        ["stage=plan", f"runs_dir={tmp_path / 'runs'}", "run=t", f"experiment=paper/{recipe}"]
    )
    with Job(config, command="") as job:
        run_plan(config, job)

    stages = plan(tmp_path)
    assert stages["profiles"]["records"] == 20_000
    assert stages[method]["records"] == 3 * instructions
    assert f"| {instructions:,} | {method} |" in next(
        line for line in REPRODUCE.splitlines() if f"`experiment=paper/{recipe}`" in line
    )


def test_what_a_pilot_could_not_do_is_told_before_it(opencharacter, tmp_path):
    done = opencharacter("stage=plan", *SMALL, "plan.pilot=4", "generate.reject=[foo]")

    assert done.returncode == 2
    assert not (tmp_path / "runs").exists()
