"""The stage from tokens to a model, with the small embedded model."""

import json

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from opencharacter.records import Checkpoint
from opencharacter.store.rows import read_records
from tests.train.rows import corpus, tokenizer, tokens, write_run

SMALL = [
    *("train.max_length=256", "train.device_tokens=256", "train.global_tokens=512"),
    *("train.epochs=1", "train.learning_rate=1e-3", "train.precision=float32"),
]
UNHELD = ["train.holdout.characters=0", "train.holdout.dialogues=0", "train.holdout.general=0"]


@pytest.fixture
def words(tmp_path):
    return ["run=t", f"runs_dir={tmp_path / 'runs'}", "train.model=embedded"]


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "runs" / "t" / "train"


def test_a_run_is_trained_validated_and_written(words, folder, opencharacter):
    write_run(words, corpus(6, 5, 6))
    done = opencharacter("stage=train", *words, *SMALL)
    (checkpoint,) = read_records(folder / "data", Checkpoint)
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]

    assert done.returncode == 0, done.stderr
    assert checkpoint.character_loss < lines[0]["eval_characters_loss"]
    assert checkpoint.dialogue_loss is not None
    assert checkpoint.forgetting_loss is not None
    assert "lowest loss on held-out characters" in checkpoint.chosen
    assert "already finished" in opencharacter("stage=train", *words, *SMALL).stderr


def test_two_dialogues_are_learned_by_heart_to_their_end(words, folder, opencharacter):
    said = {"Who are you?": "I am Ada, of the mill.", "And now?": "Now I bake bread."}
    rows = [tokens("c", f"i{q}", [("user", q), ("assistant", a)]) for q, a in said.items()]
    write_run(words, rows)
    longer = ["train.epochs=25", "train.max_length=64", "train.device_tokens=64"]
    done = opencharacter("stage=train", *words, *SMALL, *UNHELD, *longer, "train.global_tokens=64")
    assert done.returncode == 0, done.stderr

    known = AutoTokenizer.from_pretrained(folder / "model")
    model = AutoModelForCausalLM.from_pretrained(folder / "model", dtype=torch.float32)
    for question, answer in said.items():
        prompt = known.apply_chat_template(
            [{"role": "user", "content": question}],
            add_generation_prompt=True,
            return_tensors="pt",
            return_dict=True,
        )
        made = model.generate(**prompt, do_sample=False, max_new_tokens=40)[0]
        ids = made[prompt["input_ids"].shape[1] :].tolist()

        assert ids == [*tokenizer()(answer, add_special_tokens=False)["input_ids"], 4]


def test_adapters_are_written_alone_and_merged(words, folder, opencharacter):
    write_run(words, corpus(2, 3))
    lora = ["train.tuning=lora", "train.lora.rank=4", "train.added_tokens=['<sighs>']"]
    done = opencharacter("stage=train", *words, *SMALL, *UNHELD, *lora)

    assert done.returncode == 0, done.stderr
    assert "1 added tokens (<sighs>) begin as the mean" in done.stderr
    assert (folder / "adapters" / "adapter_model.safetensors").exists()
    assert len(AutoTokenizer.from_pretrained(folder / "model")) == len(tokenizer()) + 1
    (checkpoint,) = read_records(folder / "data", Checkpoint)
    assert (checkpoint.character_loss, checkpoint.step) == (None, 1)
    assert "nothing is held out" in checkpoint.chosen


def test_the_plan_counts_what_the_training_then_does(words, folder, opencharacter):
    write_run(words, corpus(6, 5, 6))
    plan = opencharacter(
        "stage=train", *words, *SMALL, "train.check=true", "train.tokens_per_second=100"
    )
    assert plan.returncode == 0, plan.stderr
    assert not folder.exists()
    opencharacter("stage=train", *words, *SMALL)
    manifest = json.loads((folder / "manifest.json").read_text())
    steps = json.loads((folder / "metrics.jsonl").read_text().splitlines()[-1])["step"]
    trained = manifest["counts"]["notes"]["rows trained on"]

    assert f"{trained} trained on" in plan.stdout
    assert f"{steps} in all" in plan.stdout
    assert "at 100 tokens a second" in plan.stdout


def test_a_mistake_is_told_before_anything_is_started(words, folder, opencharacter):
    write_run(words, corpus(2, 2))
    done = opencharacter("stage=train", *words, "train.sft.lerning_rate=1")

    assert (done.returncode, folder.exists()) == (2, False)
    assert "did you mean 'learning_rate'" in done.stderr


def test_a_row_that_does_not_fit_is_told_with_both_lengths(words, folder, opencharacter):
    write_run(words, corpus(2, 2))
    small = ["train.max_length=16", "train.device_tokens=16", "train.global_tokens=16"]
    done = opencharacter("stage=train", *words, *small)

    assert done.returncode == 2
    assert "more than train.max_length=16" in done.stderr
    assert not (folder / "model").exists()
