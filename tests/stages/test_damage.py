"""A file of a run that was damaged is named, with the command that makes it anew."""

import shlex

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

SMALL = ("personas.n=6", "instructions.n=2", "synth.n_characters=2")


def truncated(path):
    path.write_bytes(path.read_bytes()[:100])


def half(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def other_object(path):
    path.write_text("{}")


def other_kind(path):
    path.write_text("null")


def not_text(path):
    path.write_bytes(b"\xff\xfe\x00")


def other_schema(path):
    pq.write_table(pa.table({"question": ["Who?"]}), path)


def broken_inside(path):
    """Turn over all bytes but the first and those of the footer."""
    content = path.read_bytes()
    footer = int.from_bytes(content[-8:-4], "little") + 8
    path.write_bytes(b"PAR1" + bytes(255 - b for b in content[4:-footer]) + content[-footer:])


def absent(path):
    path.unlink()


@pytest.fixture
def made(opencharacter, tmp_path):
    """Make a small run, and return its folder."""
    done = opencharacter("stage=synth", "synth.mix=true", *SMALL)
    assert done.returncode == 0, done.stderr
    return tmp_path / "runs" / "t"


PARTS = "generate/data/part-00000-of-00001.parquet"
REJECTED = "generate/rejected/part-00000-of-00001.parquet"


@pytest.mark.parametrize(
    ("name", "damage", "what"),
    [
        (PARTS, truncated, "Parquet magic bytes not found"),
        (PARTS, other_schema, "was not written by opencharacter"),
        (REJECTED, truncated, "Parquet magic bytes not found"),
        (REJECTED, absent, "it is missing"),
        ("generate/manifest.json", half, "broken JSON"),
        ("generate/manifest.json", not_text, "broken JSON"),
        ("generate/manifest.json", other_object, "it lacks 'counts'"),
        ("generate/started.json", half, "broken JSON"),
        ("generate/started.json", other_kind, "it holds no JSON object"),
    ],
)
def test_status_shows_the_other_stages_and_names_the_damaged_file(
    made, opencharacter, name, damage, what
):
    damage(made / name)

    shown = opencharacter("stage=status")

    assert shown.stdout.count("finished") == 5
    assert "generate       damaged" in shown.stdout
    assert shown.returncode == 2
    assert f"{made / name} " in shown.stderr
    assert what in shown.stderr


@pytest.mark.parametrize(
    ("name", "damage", "what"),
    [
        (PARTS, truncated, "Parquet magic bytes not found"),
        (PARTS, other_schema, "it has no column 'character_id'"),
        (PARTS, broken_inside, ""),
        ("profiles/data/part-00000-of-00001.parquet", other_schema, "it holds no Characters: "),
        ("generate/manifest.json", half, "broken JSON"),
        ("generate/started.json", half, "broken JSON"),
        ("generate/started.json", not_text, "broken JSON"),
    ],
)
def test_a_stage_that_reads_what_is_damaged_names_the_command_that_mends_it(
    made, opencharacter, name, damage, what
):
    damage(made / name)
    stage = name.partition("/")[0]

    refused = opencharacter("stage=mix", "force=true")

    assert refused.returncode == 2
    assert f"{made / name} is damaged ({what}" in refused.stderr
    _, _, rest = refused.stderr.partition(f"make {stage} again with: ")
    command = shlex.split(rest.partition(" (logged answers are kept)")[0])
    assert command == ["python", "-m", "opencharacter", f"stage={stage}", *command[4:]]
    place = {f"run={made.name}", f"runs_dir={made.parent}"}
    assert {"synth.mix=true", *SMALL, "force=true"} | place == {*command[4:]}

    again = opencharacter(*command[3:])
    assert again.returncode == 0, again.stderr
    for later in ("generate", "mix"):
        assert opencharacter(f"stage={later}", *SMALL, "force=true").returncode == 0


def test_claims_reports_and_settings_that_are_damaged_are_in_nobodys_way(made, opencharacter):
    for name in ("claims/part-00000-of-00001.json", "progress/node-7.json", "work.json"):
        for text in ('{"token": "a", "ho', "{}", "[7]", "null", '{"records": "many"}'):
            (made / "generate" / name).parent.mkdir(exist_ok=True)
            (made / "generate" / name).write_text(text)
            (made / "generate" / "manifest.json").unlink(missing_ok=True)
            shown = opencharacter("stage=status")
            assert shown.returncode == 0, shown.stderr
    (made / "generate" / "config.yaml").write_bytes(b"\xff:")

    done = opencharacter("stage=generate", *SMALL, "claim_timeout_s=0.1")

    assert done.returncode == 0, done.stderr
    assert (made / "generate" / "manifest.json").exists()


def test_a_plan_that_is_damaged_is_told_and_the_run_goes_on(opencharacter, tmp_path):
    assert opencharacter("stage=plan", *SMALL).returncode == 0
    (tmp_path / "runs" / "t" / "plan" / "plan.json").write_text('{"stages": ')

    done = opencharacter("stage=synth", *SMALL)

    assert done.returncode == 0, done.stderr
    assert "plan.json is broken JSON" in done.stderr
