"""The main job on the scripted model: accounting, lineage, resuming, staleness, partitions."""

import json
from pathlib import Path

import yaml

from opencharacter.records import (
    Character,
    Instruction,
    MixtureRow,
    Persona,
    Response,
    Split,
)
from opencharacter.store.rows import read_columns, read_records

STAGES = ("personas", "instructions", "profiles", "rewrite", "generate")


def manifest(tmp_path: Path, stage: str, run: str = "t") -> dict:
    return json.loads((tmp_path / "runs" / run / stage / "manifest.json").read_text())


def rows(tmp_path: Path, stage: str, record_type: type, run: str = "t") -> dict:
    found: list = list(read_records(tmp_path / "runs" / run / stage / "data", record_type))
    by_id = {record.id: record for record in found}
    assert len(by_id) == len(found)
    return by_id


def test_every_stage_adds_up(opencharacter, tmp_path):
    assert opencharacter("stage=synth").returncode == 0

    for stage in STAGES:
        counts = manifest(tmp_path, stage)["counts"]
        rejected = sum(counts["rejected"].values())
        assert counts["in"] == counts["out"] + rejected + counts["not_drawn"], stage
    assert manifest(tmp_path, "profiles")["counts"]["out"] == 56
    assert manifest(tmp_path, "generate")["counts"]["in"] == 12 * 3


def test_a_mixture_row_leads_back_to_its_persona_and_instruction(opencharacter, tmp_path):
    opencharacter("stage=synth")
    opencharacter("stage=mix", "mix.n_characters=2")
    responses = rows(tmp_path, "rewrite", Response) | rows(tmp_path, "generate", Response)
    characters = rows(tmp_path, "profiles", Character)
    personas = rows(tmp_path, "personas", Persona)
    instructions = rows(tmp_path, "instructions", Instruction)

    mixture = rows(tmp_path, "mix", MixtureRow)

    assert len(mixture) == 2 * 12 * 2
    for row in mixture.values():
        response = responses[row.response_id]
        character = characters[response.character_id]
        assert personas[character.persona_id].text in row.messages[0].content
        asked = [m.content for m in row.messages if m.role == "user"]
        assert asked == [m.content for m in instructions[response.instruction_id].messages]


def test_heldout_personas_get_profiles_and_never_reach_a_mixture(opencharacter, tmp_path):
    opencharacter("stage=synth", "personas.heldout=0.5")
    opencharacter("stage=mix", "personas.heldout=0.5")
    personas = rows(tmp_path, "personas", Persona)
    heldout = {id_ for id_, persona in personas.items() if persona.split is Split.heldout}

    trained = {row.persona_id for row in rows(tmp_path, "mix", MixtureRow).values()}
    profiled = {row.persona_id for row in rows(tmp_path, "profiles", Character).values()}

    assert 10 < len(heldout) < 46
    assert trained
    assert not trained & heldout
    assert heldout <= profiled


def test_a_finished_run_is_not_done_again(opencharacter, tmp_path):
    opencharacter("stage=synth")
    before = {stage: manifest(tmp_path, stage) for stage in STAGES}

    again = opencharacter("stage=synth")

    assert again.returncode == 0
    assert "already finished" in again.stderr
    assert "opening" not in again.stderr
    assert {stage: manifest(tmp_path, stage) for stage in STAGES} == before


def test_other_settings_are_refused_with_the_command_that_mends_it(opencharacter):
    opencharacter("stage=synth")

    changed = opencharacter("stage=generate", "generate.sampling.temperature=0.9")

    assert changed.returncode == 2
    assert "generate.sampling.temperature 0.6 -> 0.9" in changed.stderr
    assert "stage=generate generate.sampling.temperature=0.9 force=true" in changed.stderr


def test_settings_of_cost_and_speed_are_not_refused(opencharacter):
    opencharacter("stage=synth")

    changed = opencharacter("stage=synth", "teacher.seats=3", "generate.max_rejected=0.5")

    assert changed.returncode == 0
    assert "already finished" in changed.stderr


def test_a_forced_input_makes_what_was_made_from_it_stale(opencharacter):
    opencharacter("stage=synth")
    opencharacter("stage=personas", "personas.n=20", "force=true")

    stale = opencharacter("stage=generate")

    assert stale.returncode == 2
    assert "opencharacter stage=profiles run=t runs_dir=" in stale.stderr
    assert stale.stderr.endswith(" force=true")


def test_another_model_is_refused_by_name_and_revision(opencharacter, tmp_path):
    opencharacter("stage=synth")
    started = json.loads((tmp_path / "runs/t/generate/started.json").read_text())

    changed = opencharacter("stage=generate", "teacher.model=other")

    assert started["settings"]["versions"]["model"].endswith("@scripted")
    assert changed.returncode == 2
    assert "teacher.model 'scripted' -> 'other'; model scripted@" in changed.stderr


def test_what_changed_is_told_in_the_words_of_the_configuration(
    opencharacter, personas_file, tmp_path
):
    opencharacter("stage=synth")
    other = tmp_path / "others.jsonl"
    other.write_text(personas_file.read_text())

    fewer = opencharacter("stage=generate", "synth.n_characters=2")
    moved = opencharacter("stage=personas", f"personas.path={other}")
    personas_file.write_text('{"persona": "A poet from Rome"}\n')
    changed = opencharacter("stage=personas")

    assert "inputs (synth.n_characters 3 -> 2); start" in fewer.stderr
    assert f"inputs ({personas_file} has changed); start" in changed.stderr
    assert "personas.path" in moved.stderr
    assert "is new" not in moved.stderr


def test_a_missing_input_names_its_command(opencharacter):
    early = opencharacter("stage=profiles", "run=t")

    assert early.returncode == 2
    assert "stage=personas run=t" in early.stderr


def test_any_number_of_parts_gives_the_same_rows(opencharacter, tmp_path):
    opencharacter("stage=synth", "run=one", "parts=1")
    opencharacter("stage=synth", "run=five", "parts=5")

    for stage, record_type in (("profiles", Character), ("rewrite", Response)):
        one = rows(tmp_path, stage, record_type, "one")
        assert one == rows(tmp_path, stage, record_type, "five")


def test_single_parts_make_up_the_whole_in_any_order(opencharacter, tmp_path):
    for stage in ("personas", "instructions", "profiles"):
        opencharacter(f"stage={stage}")
    for part in (2, 0, 1):
        done = opencharacter("stage=generate", "parts=3", f"part={part}")
        assert done.returncode == 0, done.stderr

    assert manifest(tmp_path, "generate")["counts"]["out"] == 36


def test_going_on_with_another_number_of_parts_makes_nothing_twice(opencharacter, tmp_path):
    for stage in ("personas", "instructions", "profiles"):
        opencharacter(f"stage={stage}")
    opencharacter("stage=generate", "parts=4", "part=1")
    first = rows(tmp_path, "generate", Response)

    rest = opencharacter("stage=generate", "parts=7")

    assert rest.returncode == 0, rest.stderr
    everything = rows(tmp_path, "generate", Response)
    assert len(everything) == 36
    assert 0 < len(first) < 36
    assert first.items() <= everything.items()


def test_too_many_rejections_fail_with_the_reasons(opencharacter, tmp_path):
    (tmp_path / "long.jsonl").write_text(
        "".join(json.dumps({"instruction": f"Say {n}", "output": ""}) + "\n" for n in range(4))
    )
    done = opencharacter(
        "stage=synth",
        f"instructions.paths=[{tmp_path / 'long.jsonl'}]",
        "synth.methods=[generate]",
        "teacher.max_length=5",
    )

    assert done.returncode == 2
    assert "prompt_too_long" in done.stderr
    reasons = read_columns(
        sorted((tmp_path / "runs" / "t" / "profiles" / "rejected").iterdir()), ["reason"]
    )
    assert {reason for (reason,) in reasons} == {"prompt_too_long"}


def test_the_card_names_licences_counts_and_lineage(opencharacter, tmp_path):
    opencharacter("stage=synth", "personas.licence=CC-BY-4.0")

    card = (tmp_path / "runs" / "t" / "generate" / "README.md").read_text()

    assert "CC-BY-4.0 + unknown" in card
    assert "| out | 36 |" in card
    assert "| profiles |" in card


def test_profiles_say_how_often_the_commonest_names_occur(opencharacter, tmp_path):
    opencharacter("stage=synth")
    names = [character.name for character in rows(tmp_path, "profiles", Character).values()]
    notes = manifest(tmp_path, "profiles")["counts"]["notes"]

    assert notes["different full names"] == len({name.casefold() for name in names})
    often = max(names.count(name) for name in names)
    listed = [n for note, n in notes.items() if note.startswith(("full name ", "first name "))]
    assert often in (*listed, 1)
    assert all(n > 1 for n in listed)


def test_a_stage_keeps_the_configuration_that_made_it(opencharacter, tmp_path):
    opencharacter("stage=personas", "personas.n=20")
    refused = opencharacter("stage=personas", "personas.n=30")
    opencharacter("stage=instructions")
    kept = (tmp_path / "runs/t/personas/config.yaml").read_text()

    assert refused.returncode == 2
    assert kept.startswith("# python -m opencharacter stage=personas personas.n=20\n")
    assert yaml.safe_load(kept)["personas"]["n"] == 20


def test_too_few_characters_are_noticed_before_a_model_is_opened(opencharacter):
    refused = opencharacter("stage=synth", "personas.n=2", "synth.n_characters=3")

    assert refused.returncode == 2
    assert "asked for 3 distinct characters per instruction but there are only" in refused.stderr
    assert "opening" not in refused.stderr


def test_a_single_stage_tells_why_rows_were_rejected(opencharacter, tmp_path):
    path = tmp_path / "bad.jsonl"
    path.write_text('{"persona": "A baker from Lima"}\n{"persona": ""}\n{broken\n')

    done = opencharacter("stage=personas", f"personas.path={path}")

    assert done.returncode == 0
    assert "personas: rejected: 1 " in done.stderr
    assert str(tmp_path / "runs/t/personas/rejected") in done.stderr


def test_the_next_command_has_the_words_of_this_one(opencharacter):
    done = opencharacter("stage=synth", "synth.methods=[generate]", "force=true")

    [following] = [line for line in done.stdout.splitlines() if line.startswith("Next:")]
    assert following.endswith("stage=mix 'synth.methods=[generate]'")


def test_one_command_goes_as_far_as_the_mixture(opencharacter, tmp_path):
    done = opencharacter("stage=synth", "synth.mix=true", "synth.methods=[generate]")

    assert done.returncode == 0, done.stderr
    assert manifest(tmp_path, "mix")["counts"]["out"] > 0
    assert [line.split()[:2] for line in done.stdout.splitlines() if line.startswith(" mix")] == [
        ["mix", str(manifest(tmp_path, "mix")["counts"]["in"])]
    ]
    assert str(tmp_path / "runs/t/mix") in done.stdout.partition("Written:")[2]
    assert "Next:" not in done.stdout
    assert "already finished" in opencharacter("stage=mix").stderr
