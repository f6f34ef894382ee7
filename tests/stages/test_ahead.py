"""What a composite can know before its first stage it tells then, not after hours of others."""

import json

import pytest

from tests.servers import serving

EARLY = {
    "a check nobody knows": ["generate.reject=[foo]"],
    "a suite that is not there": ["synth.mix=true", "mix.suites=[/nothere]"],
    "more characters than are made": ["synth.mix=true", "mix.n_characters=5"],
    "a source without rows": ["synth.mix=true", "mix.shares={nope: 0.5}"],
    "a method nobody asks for": ["synth.mix=true", "mix.methods=[rewrite]"],
    "a share of such a method": ["synth.mix=true", "mix.method_shares={rewrite: 0.5}"],
    "an axis without a function": ["synth.mix=true", "mix.axes={w: {function: 'nope:f'}}"],
    "replayed files that are not there": ["synth.mix=true", "mix.replay_paths=[/nothere]"],
    "a model that is not there": ["llm@teacher=embedded", "teacher.model=/no/model"],
    "names that are not there": ["profiles.exclude_names_path=/nothere"],
    "more names than there are": ["profiles.name_hints=100000"],
    "instructions that are not there": ["instructions.paths=[/nothere]"],
    "an address that is none": [
        "llm@teacher=endpoint", "teacher.model=m", "teacher.base_url=localhost:9",
    ],
    "a server that is not there": [
        "llm@teacher=endpoint", "teacher.model=m", "teacher.base_url=http://localhost:9/v1",
    ],
}  # fmt: skip


@pytest.mark.parametrize("given", EARLY.values(), ids=EARLY)
def test_nothing_is_done_before_it_is_told(opencharacter, tmp_path, given):
    refused = opencharacter("stage=synth", "synth.methods=[generate]", *given)

    assert refused.returncode == 2
    assert not (tmp_path / "runs").exists()


def test_a_mixture_too_large_for_the_instructions_costs_no_model(opencharacter, tmp_path):
    refused = opencharacter("stage=synth", "synth.mix=true", "mix.n=73")

    assert refused.returncode == 2
    assert "mix.n asks for 73 rows but 72 are available" in refused.stderr
    assert not (tmp_path / "runs/t/profiles").exists()


def test_a_mixture_just_large_enough_is_made(opencharacter, tmp_path):
    done = opencharacter("stage=synth", "synth.mix=true", "mix.n=72", "mix.near_duplicates=null")

    assert done.returncode == 0, done.stderr


def test_instructions_without_answers_are_not_taken_for_rewritten_ones(opencharacter, tmp_path):
    rows = [{"instruction": f"Say {n}.", "output": "So." * (n < 3)} for n in range(6)]
    (tmp_path / "i.json").write_text(json.dumps(rows))
    given = [f"instructions.paths=[{tmp_path / 'i.json'}]", "synth.n_characters=1"]

    refused = opencharacter(
        "stage=synth", *given, "synth.mix=true", "mix.method_shares={rewrite: 0.5}", "mix.n=7"
    )

    assert refused.returncode == 2
    assert "mix.n asks for 7 rows but 6 are available" in refused.stderr


def test_responses_of_an_earlier_command_may_be_asked_for(opencharacter):
    opencharacter("stage=synth", "synth.methods=[rewrite]")
    both = ["synth.methods=[generate]", "synth.mix=true", "mix.methods=[rewrite,generate]"]

    assert opencharacter("stage=synth", *both).returncode == 0


def test_a_finished_run_needs_no_server(opencharacter):
    with serving() as server:
        teacher = server.teacher
        assert opencharacter("stage=synth", *teacher).returncode == 0
    again = opencharacter("stage=synth", *teacher)

    assert again.returncode == 0
    assert "already finished" in again.stderr


def test_a_dry_run_without_slurm_is_refused(opencharacter):
    with pytest.raises(Exception, match="dry_run=true shows what slurm=cluster would submit"):
        opencharacter("stage=synth", "dry_run=true")


def test_what_could_not_be_met_is_said_at_the_end_and_in_manifest_and_card(opencharacter, tmp_path):
    done = opencharacter("stage=personas", "personas.n=99")

    folder = tmp_path / "runs/t/personas"
    said = "personas.n asks for 99, there are 56"
    assert f"personas: {said}" in done.stderr
    assert json.loads((folder / "manifest.json").read_text())["unmet"] == [said]
    assert f"## Asked for and not met\n\n- {said}\n" in (folder / "README.md").read_text()


def test_a_mixture_says_that_nobody_looked_for_contamination(opencharacter, tmp_path):
    opencharacter("stage=synth")
    done = opencharacter("stage=mix", "mix.suites=[]")

    assert "nobody looked for contamination" in done.stderr
    manifest = json.loads((tmp_path / "runs/t/mix/manifest.json").read_text())
    assert manifest["unmet"][0].startswith("mix.suites=[] has no evaluation suite")


def test_a_mixture_held_against_a_suite_does_not_say_so(opencharacter, tmp_path):
    opencharacter("stage=synth")
    (tmp_path / "s.jsonl").write_text('{"question": "Who wrote the longest novel of all?"}\n')

    done = opencharacter("stage=mix", f"mix.suites=[{tmp_path / 's.jsonl'}]")

    assert done.returncode == 0, done.stderr
    assert "nobody looked" not in done.stderr
