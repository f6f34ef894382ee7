import json


def plan(tmp_path, run="t"):
    return json.loads((tmp_path / "runs" / run / "plan" / "plan.json").read_text())["stages"]


def test_a_plan_from_assumptions_multiplies_them_out(opencharacter, tmp_path):
    done = opencharacter(
        "stage=plan", "plan.assume.personas=1000", "plan.assume.instructions=200",
        "synth.n_characters=3",
        "plan.assume.calls_per_answer=1", "plan.assume.answered=0.5", "plan.gpus=4",
        "plan.tokens_per_s=1000", "plan.price_output=2", "plan.assume.answer_output_tokens=360",
        "plan.assume.turns=2",
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    stages = plan(tmp_path)
    assert [stages[s]["records"] for s in ("profiles", "rewrite", "generate")] == [1000, 300, 600]
    generate = stages["generate"]
    assert (generate["calls"], generate["output_tokens"]) == (1200, 1200 * 360)
    assert generate["hours"] == 1200 * 360 / 1000 / 3600
    assert generate["gpu_hours"] == 4 * generate["hours"]
    assert generate["money"] == 1200 * 360 * 2 / 1e6
    assert stages["all"]["calls"] == 1000 + 300 + 1200
    assert "GPU hours" in done.stdout


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
    assert plan(tmp_path)["profiles"]["money"] == (10 * 100 * 1000 + 10 * 300 * 2000) / 1e6
    assert "at 1000 for a million prompt tokens and 2000 for" in dear.stdout

    opencharacter("stage=plan", *given, "plan.price_output=1")
    assert plan(tmp_path)["profiles"]["money"] == (10 * 100 * 1000 + 10 * 300 * 1) / 1e6

    free = opencharacter("stage=plan", *given, "plan.price_prompt=0", "plan.price_output=0")
    assert "Money" not in free.stdout
