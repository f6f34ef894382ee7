"""The tokenize stage: from a mixture on disk to tokens on disk, with the proof of the mask."""

import io
import json
from pathlib import Path

import pytest

pytest.importorskip("transformers")

from opencharacter.job.masks import is_coloured
from opencharacter.records import MixtureRow, Role, Tokens
from opencharacter.store.rows import read_records
from opencharacter.train.templates import FILE_NAME, template_text
from tests.train.vocabularies import embedded, llama3

EMBEDDED = "train.model=embedded"


@pytest.fixture
def mixed(opencharacter):
    """Make 12 instructions x 3 characters x 2 methods = 72 rows of two turns."""
    done = opencharacter("stage=synth", "personas.heldout=0", "synth.mix=true")
    assert done.returncode == 0, done.stderr


def manifest(tmp_path):
    return json.loads((tmp_path / "runs" / "t" / "tokenize" / "manifest.json").read_text())


def records(tmp_path, stage, kind):
    return list(read_records(tmp_path / "runs" / "t" / stage / "data", kind))


@pytest.mark.usefixtures("mixed")
def test_what_is_learned_is_what_the_assistant_says_and_how_it_ends(opencharacter, tmp_path):
    done = opencharacter("stage=tokenize", EMBEDDED)

    assert done.returncode == 0, done.stderr
    rows = {row.id: row for row in records(tmp_path, "mix", MixtureRow)}
    tokens = records(tmp_path, "tokenize", Tokens)
    assert len(tokens) == len(rows) == 72
    for each in tokens:
        said = [m.content for m in rows[each.row_id].messages if m.role is Role.assistant]
        learned = [label for label in each.labels if label != -100]
        assert embedded().decode(learned) == "".join(f"{text.strip()}<|eot_id|>" for text in said)
        assert (each.n_supervised, each.dropped_turns) == (len(learned), 0)
    notes = manifest(tmp_path)["counts"]["notes"]
    assert notes["assistant turns decoded and found equal"] == 144
    assert notes["tokens"] == sum(len(each.input_ids) for each in tokens)


@pytest.mark.usefixtures("mixed")
def test_the_mask_is_shown_of_a_finished_stage_too(opencharacter, tmp_path):
    first = opencharacter("stage=tokenize", EMBEDDED, "tokenize.show=2").stdout
    again = opencharacter("stage=tokenize", EMBEDDED, "tokenize.show=2")

    assert again.stdout == first
    assert "already finished" in again.stderr
    row = next(read_records(tmp_path / "runs" / "t" / "mix" / "data", MixtureRow))
    for message in row.messages:
        marked = f"⟦{message.content}<|eot_id|>⟧"
        assert (marked in first) == (message.role is Role.assistant)
    assert first.count("--- row-") == 2
    assert first.count("⟦") == first.count("⟧") == 4


@pytest.mark.usefixtures("mixed")
def test_the_template_lies_beside_the_tokens_without_its_marks(opencharacter, tmp_path):
    opencharacter("stage=tokenize", EMBEDDED)

    saved = (tmp_path / "runs" / "t" / "tokenize" / FILE_NAME).read_text()

    messages = [{"role": "user", "content": " a "}, {"role": "assistant", "content": "b\n"}]
    shown = [
        llama3().apply_chat_template(
            messages, chat_template=text, tokenize=False, add_generation_prompt=asks
        )
        for text in (saved, template_text("llama3"))
        for asks in (False, True)
    ]
    assert "generation %" not in saved
    assert shown[:2] == shown[2:]


@pytest.mark.usefixtures("mixed")
@pytest.mark.parametrize(
    ("given", "told"),
    [
        pytest.param("tokenize.template=chatml", "no control token <|im_start|>", id="template"),
        pytest.param("train.model=./nowhere", "check train.model", id="folder"),
        pytest.param(f"train.model={Path(__file__).parent}", "no tokenizer.json in", id="no model"),
        pytest.param("tokenize.max_length=16", "none is left: 72 too_long", id="length"),
    ],
)
def test_what_the_user_can_mend_is_told(opencharacter, given, told):
    settings = {EMBEDDED.partition("=")[0]: "embedded"}
    name, _, value = given.partition("=")
    settings[name] = value

    done = opencharacter("stage=tokenize", *(f"{n}={v}" for n, v in settings.items()))

    assert done.returncode == 2
    assert told in done.stderr


@pytest.mark.usefixtures("mixed")
def test_too_many_rejected_rows_are_told(opencharacter, tmp_path):
    opencharacter("stage=tokenize", EMBEDDED)
    lengths = sorted(len(each.input_ids) for each in records(tmp_path, "tokenize", Tokens))
    limit = f"tokenize.max_length={lengths[36]}"

    done = opencharacter(
        "stage=tokenize", EMBEDDED, limit, "tokenize.overlong=reject", "force=true"
    )

    assert done.returncode == 2
    assert "more than tokenize.max_rejected=0.2" in done.stderr


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_colour_is_for_terminals_whose_reader_wants_it(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert is_coloured(Terminal())
    assert not is_coloured(io.StringIO())
    monkeypatch.setenv("NO_COLOR", "1")
    assert not is_coloured(Terminal())
