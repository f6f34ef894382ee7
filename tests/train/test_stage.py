"""The stage from tokens to a model, with the small embedded model."""

import json
import re
import shutil
from importlib.resources import files
from pathlib import Path
from statistics import median

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from opencharacter.records import Checkpoint
from opencharacter.store.rows import read_records
from opencharacter.train.gguf_header import read_header
from tests.train.ggufs import GOOD, stand_in
from tests.train.rows import corpus, tokenizer, tokens, write_run

SMALL = [
    *("train.max_length=256", "train.device_tokens=256", "train.global_tokens=512"),
    *("train.epochs=1", "train.learning_rate=1e-3", "train.precision=float32"),
]
EMBEDDED_FOLDER = Path(str(files("opencharacter.llm"))) / "embedded"
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
    notes = json.loads((folder / "manifest.json").read_text())["counts"]["notes"]
    assert 0 < notes["tokens trained on"] < sum(len(row.input_ids) for row in corpus(6, 5, 6))
    assert checkpoint.dialogue_loss is not None
    assert checkpoint.forgetting_loss is not None
    assert "lowest loss on held-out characters" in checkpoint.chosen
    said = [line for line in done.stderr.splitlines() if "done after" in line or "kept" in line]
    assert "steps" in said[0]
    assert "kept step" in said[1]
    assert done.stderr.endswith(f"train: the model is in {folder / 'model'}\n")
    assert "models written" not in done.stderr
    assert "Setting accelerator" not in done.stdout + done.stderr
    assert "already finished" in opencharacter("stage=train", *words, *SMALL).stderr
    plan = opencharacter("stage=train", *words, *SMALL, "train.check=true").stdout
    rates = [line["tokens_per_second_per_device"] for line in lines if "loss" in line]
    assert f"at {median(rates):,.0f} tokens a second" in plan
    assert "trained already, nothing would be done" in plan
    plan = opencharacter("stage=train", *words, *SMALL, "train.epochs=3", "check=true").stdout
    assert "trained already with other settings (train.epochs 1.0 -> 3.0): needs force" in plan
    refuse_another_base(words, folder, opencharacter)


def refuse_another_base(words, folder, opencharacter):
    """Start it over with a base that does not open, and see that all is as it was."""
    base = shutil.copytree(EMBEDDED_FOLDER, folder.parents[2] / "base")
    told = json.loads((base / "config.json").read_text())
    (base / "config.json").write_text(json.dumps(told | {"model_type": "nosuch"}))
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    refused = opencharacter("stage=train", *words, *SMALL, f"train.model={base}", "force=true")

    assert refused.returncode == 2, refused.stderr
    assert "train: what it was before is back in its place" in refused.stderr
    after = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    assert {path: at for path, at in after.items() if path.parent.name != "rows"} == before


def test_the_card_of_a_model_is_true_and_its_code_runs(words, folder, opencharacter, monkeypatch):
    write_run(words, corpus(6, 5, 6))
    done = opencharacter("stage=train", *words, *SMALL)
    assert done.returncode == 0, done.stderr
    card = (folder / "model" / "README.md").read_text()
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    (checkpoint,) = read_records(folder / "data", Checkpoint)

    before, after = lines[0]["eval_characters_loss"], checkpoint.character_loss
    assert f"held out | {before:.4f} | {after:.4f} |" in card
    assert "36 dialogues of 6 characters" in card
    assert "ends with `<|eot_id|>`" in card
    messages, use, _ = re.findall(r"^```python\n(.*?)^```$", card, flags=re.DOTALL | re.MULTILINE)
    monkeypatch.chdir(folder / "model")
    exec(messages + use.replace("max_new_tokens=200", "max_new_tokens=8"), {})


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
    assert "they fit no other model" in (folder / "adapters" / "README.md").read_text()
    adapters = json.loads((folder / "adapters" / "adapter_config.json").read_text())
    assert adapters["base_model_name_or_path"].endswith("embedded")
    assert json.loads((folder / "model" / "generation_config.json").read_text())[
        "eos_token_id"
    ] == [4]
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
    assert "GiB a node's CPU (reckoned)" in plan.stdout
    assert plan.stdout.count("deepspeed=zero3") == 2


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


def test_a_finished_training_gets_its_gguf_and_gets_it_once(words, folder, opencharacter, tmp_path):
    write_run(words, corpus(2, 2))
    assert opencharacter("stage=train", *words, *SMALL, *UNHELD).returncode == 0
    weights = (folder / "model" / "model.safetensors").stat().st_mtime_ns
    converter = stand_in(tmp_path / "llama.cpp", GOOD)
    asked = [*words, *SMALL, *UNHELD, "train.gguf=f16", f"train.llama_cpp={converter.parent}"]
    first = opencharacter("stage=train", *asked)
    converter.write_text("raise SystemExit('asked twice')")
    second = opencharacter("stage=train", *asked)

    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert "already finished" in first.stderr
    assert read_header(folder / "gguf" / "t-f16.gguf").tensors
    assert "t-f16.gguf is there already" in second.stderr
    assert (folder / "model" / "model.safetensors").stat().st_mtime_ns == weights


def test_a_model_that_cannot_be_converted_is_trained_and_told(
    words, folder, opencharacter, tmp_path
):
    write_run(words, corpus(2, 2))
    converter = stand_in(tmp_path, "raise NotImplementedError('no such architecture')")
    gguf = ["train.gguf=q8_0", f"train.llama_cpp={converter.parent}"]
    done = opencharacter("stage=train", *words, *SMALL, *UNHELD, *gguf)

    assert done.returncode == 2
    assert "NotImplementedError: no such architecture; the model itself is whole" in done.stderr
    assert (folder / "manifest.json").exists()
    assert not list((folder / "gguf").iterdir())


def test_an_absent_converter_is_told_before_anything_is_trained(words, folder, opencharacter):
    write_run(words, corpus(2, 2))
    done = opencharacter("stage=train", *words, "train.gguf=f16", "train.llama_cpp=absent")

    assert (done.returncode, folder.exists()) == (2, False)
    assert "there is no folder absent" in done.stderr
