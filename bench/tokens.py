"""Speed and memory of `stage=tokenize`, beside `datasets.map` over transformers' chat template.

    python bench/tokens.py [--rows 6000] [--sizes 1000 50000] [--model embedded] [--processes 1]

First both on the same rows with the same number of processes, each in a process of its own, one
after the other: seconds of CPU time and of the clock, opening the tokenizer included, importing
libraries not. Bar: ratio >= 3. Then the peak memory of the stage on few and on many rows,
interpreter and libraries included; bar: growth <= 200 MB.

The name is not `tokenize`: a script's folder comes before Python's own modules.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import numpy as np

from opencharacter.config import Config, TokenizeConfig, TrainConfig
from opencharacter.job import Job
from opencharacter.records import Message, Method, MixtureRow, Role
from opencharacter.store.files import write_json
from opencharacter.store.rows import write_records
from opencharacter.store.stage import StageFolder

CHARACTERS = 1_000
N = 3  # characters an instruction, as in the paper
PROMPT_WORDS, QUESTION_WORDS, ANSWER_WORDS = 250, 25, 150
RARE = (
    0.05  # share of words that nobody else says: a million words of English have some 50,000 forms
)
SOURCES = Path(__file__).parents[1] / "opencharacter" / "sources" / "embedded"


class Cost(NamedTuple):
    """What a run took."""

    cpu_s: float
    """Of the process and those that it started."""
    wall_s: float
    peak_mib: float


def vocabulary() -> list[str]:
    """Return the words of the embedded instructions, as often as they stand there."""
    return (SOURCES / "instructions.jsonl").read_text(encoding="utf-8").split()


def text(words: list[str], seed: int, n: int) -> str:
    """Return n words, as frequent as in the sources, some of them made up."""
    draw = np.random.default_rng(seed)
    found = [words[at] for at in draw.integers(len(words), size=n).tolist()]
    for at in np.flatnonzero(draw.random(n) < RARE).tolist():
        found[at] = found[at][:4] + words[int(draw.integers(len(words)))][-5:]
    return " ".join(found)


def rows(n_rows: int) -> Iterator[MixtureRow]:
    """Yield dialogues of a system prompt, a question and an answer."""
    words = vocabulary()
    prompts = [text(words, number, PROMPT_WORDS) for number in range(CHARACTERS)]
    for number in range(n_rows):
        yield MixtureRow(
            response_id=f"response-{number:024x}",
            character_id=f"character-{number % CHARACTERS:024x}",
            instruction_id=f"instruction-{number // N:024x}",
            persona_id="persona",
            render_version="bench",
            messages=(
                Message(role=Role.system, content=prompts[number * 7 % CHARACTERS]),
                Message(role=Role.user, content=text(words, 10**6 + number // N, QUESTION_WORDS)),
                Message(role=Role.assistant, content=text(words, 10**7 + number, ANSWER_WORDS)),
            ),
            source="bench",
            method=Method.generate,
            draw=0,
            weight=1.0,
            licence="none",
        )


def make_mixture(runs: Path, n_rows: int) -> None:
    """Write a finished `mix` stage."""
    folder = StageFolder(run_dir=runs / "bench", stage="mix")
    write_records(folder.data / "part-00000-of-00001.parquet", MixtureRow, rows(n_rows))
    asked = {"settings": {}, "inputs": {}}
    write_json(folder.started_file, asked | {"fingerprint": "mix", "command": "", "at": 0.0})
    made = {"counts": {}, "usage": {}, "seconds": 0.0, "parts": 1}
    write_json(folder.manifest_file, asked | made | {"stage": "mix", "output": "mix"})


def ours(runs: str, model: str, processes: int) -> None:
    """Run the stage."""
    stage = import_module("opencharacter.stages.tokenize")
    config = Config(
        stage="tokenize",
        run="bench",
        runs_dir=runs,
        train=TrainConfig(model=model),
        tokenize=TokenizeConfig(processes=processes),
    )
    with Job(config, command="bench/tokens.py") as job:
        stage.run(config, job)


def theirs(runs: str, model: str, processes: int) -> None:
    """Map transformers' chat template with its assistant mask over the same rows."""
    datasets = import_module("datasets")
    datasets.disable_progress_bars()
    auto = import_module("transformers").AutoTokenizer
    opening = import_module("opencharacter.llm.opening")
    templates = import_module("opencharacter.train.templates")
    path = opening.model_path(import_module("opencharacter.config").ModelConfig(model=model))
    tokenizer = auto.from_pretrained(path)
    tokenizer.chat_template = templates.template_text("llama3")

    def encode(batch: dict[str, list[object]]) -> dict[str, list[object]]:
        made = tokenizer.apply_chat_template(
            batch["messages"], tokenize=True, return_dict=True, return_assistant_tokens_mask=True
        )
        return {name: made[name] for name in ("input_ids", "assistant_masks")}

    parts = str(Path(runs) / "bench" / "mix" / "data" / "*.parquet")
    loaded = datasets.load_dataset(
        "parquet", data_files=parts, split="train", cache_dir=str(Path(runs) / "cache")
    )
    made = loaded.map(
        encode,
        batched=True,
        num_proc=processes if processes > 1 else None,
        remove_columns=["messages"],
    )
    assert len(made) == len(loaded)


def measure(which: str, runs: str, model: str, processes: str) -> None:
    """Run one of the two; print what it took."""
    for library in ("datasets", "opencharacter.train.opening", "opencharacter.train.tokens"):
        import_module(library)
    work = {"ours": ours, "theirs": theirs}[which]
    before, start = os.times(), time.perf_counter()
    work(runs, model, int(processes))
    after, seconds = os.times(), time.perf_counter() - start
    cpu = sum(after[:4]) - sum(before[:4])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # Linux counts in KiB
    print(cpu, seconds, peak)


def in_process(which: str, n_rows: int, model: str, processes: int) -> Cost:
    """Make the rows, and measure in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        make_mixture(Path(folder), n_rows)
        command = [sys.executable, __file__, "--measure", which, folder, model, str(processes)]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode:
        sys.exit(ran.stderr)
    return Cost(*map(float, ran.stdout.split()[-3:]))


def main(arguments: list[str]) -> None:
    """Print both, their ratio, and a line per size."""
    parser = argparse.ArgumentParser(description="Speed and memory of stage=tokenize")
    parser.add_argument("--rows", type=int, default=6_000)
    parser.add_argument("--sizes", type=int, nargs="*", default=[1_000, 50_000])
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--processes", type=int, default=1)
    given = parser.parse_args(arguments)
    asked = (given.rows, given.model, given.processes)
    print(f"{given.rows:,} rows, {given.processes} process(es)")
    costs = {which: in_process(which, *asked) for which in ("theirs", "ours")}
    for which, cost in costs.items():
        rate = given.rows / cost.wall_s
        print(f"{which:>8} {cost.cpu_s:>7.2f} s CPU {cost.wall_s:>7.2f} s {rate:>7,.0f} rows/s")
    cpu, wall = (costs["theirs"][at] / costs["ours"][at] for at in (0, 1))
    print(f"{'ratio':>8} {cpu:>7.2f}       {wall:>7.2f}")
    base = None
    for size in given.sizes:
        cost = in_process("ours", size, given.model, given.processes)
        base = cost.peak_mib if base is None else base
        grown = cost.peak_mib - base
        print(f"{size:>8,} rows: peak {cost.peak_mib:,.0f} MiB, growth {grown:+,.0f}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        measure(*sys.argv[2:])
    else:
        main(sys.argv[1:])
