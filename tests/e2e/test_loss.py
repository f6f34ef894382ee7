"""The loss by the real engine is that of the training, and that of a plain forward pass."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from opencharacter.records import Checkpoint, Loss, Role
from opencharacter.store.rows import read_records

pytest.importorskip("vllm")
torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
pytest.importorskip("trl")

BASE = Path(__file__).parents[2] / "opencharacter" / "llm" / "embedded_base"
# 12 dialogues of characters, 12 general ones, half of which are held out; a step or two.
SMALL = (
    *("llm@teacher=scripted", "personas.n=6", "personas.heldout=0", "instructions.n=12"),
    *("synth.n_characters=1", "mix.replay_paths=[embedded]", "mix.replay_share=0.5"),
    *("tokenize.max_length=512", "train.max_length=512", "train.device_tokens=512"),
    *("train.global_tokens=1024", "train.epochs=1", "train.precision=float32"),
    *("train.holdout.general=0.5",),
)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Train a model, then measure it on what its training held out."""
    folder = tmp_path_factory.mktemp("runs")
    player = ("llm@player=trained", "player.run=t", "player.dtype=float32", "player.threads=1")
    for words in (
        ("stage=all", "run=t", *SMALL),
        ("stage=loss", "run=held", "loss.run=t", *player),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "opencharacter", *words, f"runs_dir={folder}"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    return folder


def validations(runs):
    """Return what the training measured on the general dialogues: at its start, and at its end."""
    text = (runs / "t/train/metrics.jsonl").read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    return [line for line in lines if "eval_forgetting_loss" in line]


def measured(runs):
    return list(read_records(runs / "held/loss/data", Loss))


def by_transformers(folder, messages):
    """Return what each token of the assistant's costs by a plain forward pass."""
    model = transformers.AutoModelForCausalLM.from_pretrained(folder).float()
    known = transformers.AutoTokenizer.from_pretrained(folder)
    said = [{"role": str(each.role), "content": each.content} for each in messages]

    def ids_of(n, **given):
        return known.apply_chat_template(said[:n], return_dict=True, **given)["input_ids"]

    ids = ids_of(len(said))
    with torch.no_grad():
        chances = model(torch.tensor([ids])).logits[0].log_softmax(-1)
    return [
        -chances[at - 1, ids[at]].item()
        for place, message in enumerate(messages)
        if message.role is Role.assistant
        for at in range(len(ids_of(place, add_generation_prompt=True)), len(ids_of(place + 1)))
    ]


def test_the_engine_measures_what_the_training_measured(runs):
    [checkpoint] = read_records(runs / "t/train/data", Checkpoint)
    found = json.loads((runs / "held/loss/loss.json").read_text())["losses"][0]["nats"]

    assert found["n"] == validations(runs)[-1]["eval_forgetting_supervised_tokens"] > 100
    assert found["clusters"] > 3
    # The training measured its weights before they were written, rounded to the base's bfloat16.
    assert found["value"] == pytest.approx(checkpoint.forgetting_loss, abs=1e-3)


def test_the_same_tokens_count_as_in_training(runs):
    rows = measured(runs)
    losses = [loss for row in rows for loss in by_transformers(BASE, row.messages)]
    before = validations(runs)[0]["eval_forgetting_loss"]

    assert sum(losses) / len(losses) == pytest.approx(before, abs=1e-5)


def test_each_token_costs_what_a_forward_pass_of_transformers_says(runs):
    for row in measured(runs):
        expected = by_transformers(runs / "t/train/model", row.messages)

        assert row.losses == pytest.approx(expected, abs=1e-3)
