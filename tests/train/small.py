"""A training of seconds for tests of many ranks: a tiny random LLaMA on a few dialogues."""

import json
import shlex
from pathlib import Path

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from opencharacter.compose import compose_config
from opencharacter.job import Job
from opencharacter.llm.stopping import Stopping
from opencharacter.stages import train as stage
from tests.train.rows import corpus, tokenizer, write_run


def small_run(folder: Path, *given: str) -> list[str]:
    """Write a tiny model and the tokens of a run; return the words that train it."""
    model = folder / "base"
    torch.manual_seed(1)
    known = tokenizer()
    shape = LlamaConfig(
        vocab_size=len(known),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
        bos_token_id=known.bos_token_id,
        eos_token_id=known.eos_token_id,
    )
    LlamaForCausalLM(shape).save_pretrained(model)
    known.save_pretrained(model)
    write_run(small_words(folder)[:3], corpus(8, 6, 6))
    return small_words(folder, *given)


def small_words(folder: Path, *given: str) -> list[str]:
    """Return the words that train the model in a folder."""
    return [
        *("run=t", f"runs_dir={folder / 'runs'}", f"train.model={folder / 'base'}"),
        *("train.max_length=128", "train.device_tokens=128", "train.global_tokens=512"),
        *("train.epochs=2", "train.learning_rate=3e-3", "train.precision=float32"),
        *("train.validations=1", "train.gradient_checkpointing=false", "train.warmup=0"),
        *given,
    ]


def train(words: list[str]) -> None:
    """Train as the command line does, as one of the ranks that the environment tells of."""
    stopping = Stopping()
    stopping.listen()
    config = compose_config(["stage=train", *words])
    stage.check(config)
    command = shlex.join(["python", "-m", "opencharacter", "stage=train", *words])
    with Job(config, command=command, stopping=stopping) as job:
        stage.run(config, job)


def metrics(folder: Path) -> list[dict[str, float]]:
    """Return the lines of metrics of the run."""
    path = folder / "runs" / "t" / "train" / "metrics.jsonl"
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def found_out(folder: Path) -> list[dict[str, float]]:
    """Return what each validation found, without how long it took."""
    timed = ("runtime", "per_second")
    return [
        {name: value for name, value in line.items() if not name.endswith(timed)}
        for line in metrics(folder)
        if any(name.startswith("eval_") for name in line)
    ]


def losses(folder: Path) -> dict[int, float]:
    """Return the loss of each step."""
    return {int(line["step"]): line["loss"] for line in metrics(folder) if "loss" in line}
