"""The loss by the real engine is that of the training, and that of a plain forward pass."""

import json
import subprocess
import sys

import pytest

from opencharacter.records import Checkpoint, Loss, Role
from opencharacter.store.rows import read_records

pytest.importorskip("vllm")
torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
pytest.importorskip("trl")

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


def test_the_engine_measures_what_the_training_measured(runs):
    [checkpoint] = read_records(runs / "t/train/data", Checkpoint)
    lines = [json.loads(line) for line in (runs / "t/train/metrics.jsonl").read_text().splitlines()]
    tokens = [
        line["eval_forgetting_supervised_tokens"]
        for line in lines
        if "eval_forgetting_loss" in line
    ]
    found = json.loads((runs / "held/loss/loss.json").read_text())["losses"][0]["nats"]

    assert found["n"] == tokens[0] > 100
    assert found["clusters"] > 3
    assert found["value"] == pytest.approx(checkpoint.forgetting_loss, abs=1e-4)


def test_each_token_costs_what_a_forward_pass_of_transformers_says(runs):
    model = transformers.AutoModelForCausalLM.from_pretrained(runs / "t/train/model").float()
    known = transformers.AutoTokenizer.from_pretrained(runs / "t/train/model")
    rows = list(read_records(runs / "held/loss/data", Loss))
    for row in rows:
        messages = [{"role": str(m.role), "content": m.content} for m in row.messages]
        ids = known.apply_chat_template(messages, return_dict=True)["input_ids"]
        said = []
        for place, message in enumerate(row.messages):
            if message.role is Role.assistant:
                before = known.apply_chat_template(
                    messages[:place], add_generation_prompt=True, return_dict=True
                )["input_ids"]
                upto = known.apply_chat_template(messages[: place + 1], return_dict=True)
                said += range(len(before), len(upto["input_ids"]))
        with torch.no_grad():
            chances = model(torch.tensor([ids])).logits[0].log_softmax(-1)
        expected = [-chances[place - 1, ids[place]].item() for place in said]

        assert row.losses == pytest.approx(expected, abs=2e-3)
