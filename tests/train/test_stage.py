"""The stage from tokens to a model, with the small embedded model."""

import json

import pytest

from opencharacter.records import Checkpoint
from opencharacter.store.rows import read_records
from tests.train.rows import corpus, write_run

SMALL = [
    *("train.max_length=256", "train.device_tokens=256", "train.global_tokens=512"),
    *("train.epochs=1", "train.learning_rate=1e-3"),
]


@pytest.fixture
def run_words(tmp_path):
    """Write the tokens of a small run and return the words that name it."""
    words = ["run=t", f"runs_dir={tmp_path / 'runs'}", "train.model=embedded"]
    write_run(words, corpus(6, 5, 6))
    return words


def test_a_run_is_trained_validated_and_written(run_words, tmp_path, opencharacter):
    done = opencharacter("stage=train", *run_words, *SMALL)
    folder = tmp_path / "runs" / "t" / "train"
    (checkpoint,) = read_records(folder / "data", Checkpoint)
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]

    assert done.returncode == 0, done.stderr
    assert checkpoint.character_loss < lines[0]["eval_characters_loss"]
    assert "lowest loss on held-out characters" in checkpoint.chosen
    assert (folder / "model" / "model.safetensors").exists()
    assert json.loads((folder / "model" / "generation_config.json").read_text())["eos_token_id"]
