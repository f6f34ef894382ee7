"""A tiny T5 from a mixture to an answer: tokenize, train, and ask what was saved."""

import json

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

from opencharacter.compose import compose_config
from opencharacter.job import Job
from opencharacter.records import Checkpoint, Message, Method, MixtureRow
from opencharacter.sources.rows import Tally
from opencharacter.stages import tokenize
from opencharacter.store.rows import read_records
from tests.train.encoders import fred, t5, tiny_t5
from tests.train.small import train
from tests.train.starting import start_ranks

SAID = {"Who are you?": "I am Ada.", "And now?": "Now I bake bread."}
SMALL = [
    *("train.objective=seq2seq", "train.packing=false", "train.precision=float32"),
    *("tokenize.max_length=48", "tokenize.max_answer=16", "train.max_length=64"),
    *("train.device_tokens=128", "train.global_tokens=128", "train.learning_rate=5e-3"),
    *("train.schedule=constant", "train.epochs=1"),
]
UNHELD = ["train.holdout.characters=0", "train.holdout.dialogues=0", "train.holdout.general=0"]
FRED = [
    *("tokenize.plain.prefix='<LM>'", "tokenize.plain.mark='<extra_id_0>'"),
    *("tokenize.plain.end='</s>'", "tokenize.plain.answer='Assistant: '"),
]


@pytest.fixture
def words(tmp_path):
    return ["run=t", f"runs_dir={tmp_path / 'runs'}", f"train.model={tmp_path / 'base'}"]


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "runs" / "t" / "train"


def save_base(tmp_path, tokenizer=None, **shape):
    tokenizer = tokenizer or t5()
    tiny_t5(len(tokenizer), **shape).save_pretrained(tmp_path / "base")
    tokenizer.save_pretrained(tmp_path / "base")


def write_mixture(words, dialogues):
    """Write the stage `mix`: (character, instruction, (question, answer) ...) each."""
    config = compose_config(["stage=mix", *words])
    rows = [
        MixtureRow(
            response_id=f"response-{number}",
            character_id=character,
            instruction_id=instruction,
            persona_id=f"persona-{character}",
            render_version="v",
            messages=tuple(
                Message(role=role, content=text)
                for turn in turns
                for role, text in zip(("user", "assistant"), turn, strict=True)
            ),
            source="tests",
            method=Method.generate,
            draw=0,
            weight=1.0,
            licence="none",
        )
        for number, (character, instruction, *turns) in enumerate(dialogues)
    ]
    with (
        Job(config, command="python -m opencharacter stage=mix") as job,
        job.stage("mix", settings=[config.mix]) as stage,
    ):
        stage.stream(MixtureRow, rows, Tally(rows=len(rows)), what="Rows.", unit="rows")


def by_heart():
    return [("c", f"i{n}", turn) for n, turn in enumerate(SAID.items())]


def some(n_characters, n_instructions):
    return [
        (f"c{c}", f"i{i}", ("Who are you?", f"I am {c}."), ("And now?", f"Now I bake {i} bread."))
        for c in range(n_characters)
        for i in range(n_instructions)
    ]


def answered(folder, question):
    """Return what the saved model says, asked as its card says."""
    known = AutoTokenizer.from_pretrained(folder / "model")
    model = AutoModelForSeq2SeqLM.from_pretrained(folder / "model", dtype=torch.float32)
    asked = known.apply_chat_template(
        [{"role": "user", "content": question}], return_tensors="pt", return_dict=True
    )
    return model.generate(**asked, do_sample=False, max_new_tokens=30)[0, 1:].tolist()


def ranked_words(folder):
    """Write tokens for steps of 4 rows; return the words that train on them."""
    save_base(folder)
    here = ["run=t", f"runs_dir={folder / 'runs'}", f"train.model={folder / 'base'}"]
    here += [*SMALL, *UNHELD]
    write_mixture(here, some(2, 4))
    config = compose_config(["stage=tokenize", *here])
    with Job(config, command="python -m opencharacter stage=tokenize") as job:
        tokenize.run(config, job)
    return [*here, "train.global_tokens=256"]


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """Train on those in one process; return its folder."""
    folder = tmp_path_factory.mktemp("alone")
    (ended,) = start_ranks(1, folder / "said", train, ranked_words(folder)).end()
    assert ended.status == 0, ended.err
    return folder


def step_losses(folder):
    told = (folder / "runs" / "t" / "train" / "metrics.jsonl").read_text()
    return [x["loss"] for x in map(json.loads, told.splitlines()) if "loss" in x]


@pytest.mark.parametrize("family", ["t5", "untied", "long", "fred"])
def test_two_dialogues_are_learned_by_heart_to_their_end(
    family, words, folder, tmp_path, opencharacter
):
    tokenizer = fred() if family == "fred" else t5()
    save_base(tmp_path, tokenizer, is_long=family == "long", is_tied=family != "untied")
    write_mixture(words, by_heart())
    more = FRED if family == "fred" else []
    more += ["train.added_tokens=['<sighs>']"] if family == "untied" else []
    optimizer = ["train.sft.optim=adafactor"] if family == "t5" else []
    for stage in ("tokenize", "train"):
        done = opencharacter(
            f"stage={stage}", *words, *SMALL, *UNHELD, *more, *optimizer, "train.epochs=60"
        )
        assert done.returncode == 0, done.stderr

    for question, answer in SAID.items():
        ids = answered(folder, question)
        mark = "<extra_id_0>" if family == "fred" else ""
        assert tokenizer.decode(ids) == f"{mark}{answer}</s>"
    weights = load_file(folder / "model" / "model.safetensors")
    assert ("lm_head.weight" in weights) == (family == "untied")
    assert "model = AutoModelForSeq2SeqLM" in (folder / "model" / "README.md").read_text()


def test_what_validates_best_on_other_characters_is_kept(words, folder, tmp_path, opencharacter):
    save_base(tmp_path)
    write_mixture(words, some(6, 5))
    for stage in ("tokenize", "train"):
        done = opencharacter(f"stage={stage}", *words, *SMALL)
        assert done.returncode == 0, done.stderr
    (checkpoint,) = read_records(folder / "data", Checkpoint)
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]

    assert checkpoint.character_loss < lines[0]["eval_characters_loss"]
    assert 0 <= lines[0]["eval_characters_token_accuracy"] <= 1
    assert lines[0]["eval_characters_turn_accuracy"] == 0.0
    assert "lowest loss on held-out characters" in checkpoint.chosen
    assert "already finished" in opencharacter("stage=train", *words, *SMALL).stderr


def test_adapters_of_a_t5_are_merged_and_answer_as_a_model(words, folder, tmp_path, opencharacter):
    save_base(tmp_path)
    write_mixture(words, by_heart())
    lora = ["train.tuning=lora", "train.lora.rank=8", "train.epochs=2", *UNHELD]
    for stage in ("tokenize", "train"):
        done = opencharacter(f"stage={stage}", *words, *SMALL, *lora)
        assert done.returncode == 0, done.stderr
    base = load_file(tmp_path / "base" / "model.safetensors")
    merged = load_file(folder / "model" / "model.safetensors")
    name = "decoder.block.1.layer.1.EncDecAttention.q.weight"

    assert base.keys() == merged.keys()
    assert not torch.equal(base[name], merged[name])
    assert torch.equal(base["shared.weight"], merged["shared.weight"])
    assert (folder / "adapters" / "adapter_model.safetensors").exists()


def test_the_plan_and_the_mask_are_shown_before_a_training(words, folder, tmp_path, opencharacter):
    save_base(tmp_path)
    write_mixture(words, by_heart())
    shown = opencharacter("stage=tokenize", *words, *SMALL, "tokenize.show=1").stdout
    plan = opencharacter("stage=train", *words, *SMALL, *UNHELD, "train.check=true")

    assert "Assistant:</s>\n⟦" in shown
    assert "2 trained on" in plan.stdout
    assert "attention eager" in plan.stdout
    assert not folder.exists()


@pytest.mark.parametrize("deepspeed", ["none", "zero2", "zero3"])
def test_two_ranks_learn_what_one_does(tmp_path, deepspeed, alone):
    """A step of 4 rows: one process takes all, each of two ranks 2, of other lengths."""
    here = ranked_words(tmp_path)
    ended = start_ranks(2, tmp_path / "said", train, [*here, f"deepspeed={deepspeed}"]).end()
    assert [each.status for each in ended] == [0, 0], ended[0].err

    assert len(step_losses(alone)) == 4  # 16 turns
    assert step_losses(tmp_path) == pytest.approx(step_losses(alone), rel=1e-4)
    one, two = (
        load_file(each / "runs" / "t" / "train" / "model" / "model.safetensors")
        for each in (alone, tmp_path)
    )
    assert one.keys() == two.keys()
    assert all((two[name] - one[name]).abs().max() < 1e-3 for name in one)
