"""Speed and memory of `stage=tokenize`, beside `datasets.map` over transformers' chat template.

    python bench/tokens.py [--rows 12000] [--processes 1 2] [--rounds 3] [--run runs/demo]
                           [--texts FILE ...] [--no-mask] [--sizes 1000 50000] [--model embedded]

Both on the same rows with the same number of processes, each in a process of its own, in turn:
seconds of the clock and of CPU time, opening the tokenizer included, importing libraries into the
first process not. `datasets.map` is batched and writes `input_ids` and transformers' assistant mask
(`return_assistant_tokens_mask`); with `--no-mask` ids alone, so without what says what is learned.
Bar: median ratio >= 3. Then the peak memory of the stage on few and on many rows, interpreter and
libraries included; bar: growth <= 200 MB; `--sizes` without a number leaves it out.

Rows are those of a run whose `stage=mix` is finished, or made up: 250, 25 and 150 words (prompt,
question, answer), as many of them rare as in real text (`texts.py`), each prompt in six rows.

The name is not `tokenize`: a script's folder comes before Python's own modules.
"""

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from importlib import import_module
from itertools import islice
from pathlib import Path
from statistics import median
from typing import NamedTuple

from texts import Text, real_words

from opencharacter.config import Config, TokenizeConfig, TrainConfig
from opencharacter.records import Message, Method, MixtureRow, Role
from opencharacter.store.files import write_json
from opencharacter.store.rows import read_records, write_records
from opencharacter.store.stage import StageFolder

PER_CHARACTER = 6  # rows with the same system prompt; the paper has 15 (306,000 of 20,000)
N = 3  # characters an instruction, as in the paper
PROMPT_WORDS, QUESTION_WORDS, ANSWER_WORDS = 250, 25, 150
WAYS = ("theirs", "ours")


class Cost(NamedTuple):
    """What a run took."""

    cpu_s: float
    """Of the process and those that it started."""
    wall_s: float
    peak_mib: float


def made_up(n_rows: int, files: list[str]) -> Iterator[MixtureRow]:
    """Yield dialogues of a system prompt, a question and an answer."""
    n_characters = -(-n_rows // PER_CHARACTER)
    n_words = n_characters * PROMPT_WORDS + n_rows * (QUESTION_WORDS + ANSWER_WORDS)
    text = Text(real_words([Path(file) for file in files]), n_words)
    prompts = [text.take(PROMPT_WORDS) for _ in range(n_characters)]
    question = ""
    for number in range(n_rows):
        if number % N == 0:
            question = text.take(QUESTION_WORDS)
        yield MixtureRow(
            response_id=f"response-{number:024x}",
            character_id=f"character-{number % n_characters:024x}",
            instruction_id=f"instruction-{number // N:024x}",
            persona_id="persona",
            render_version="bench",
            messages=(
                Message(role=Role.system, content=prompts[number * 7 % n_characters]),
                Message(role=Role.user, content=question),
                Message(role=Role.assistant, content=text.take(ANSWER_WORDS)),
            ),
            source="bench",
            method=Method.generate,
            draw=0,
            weight=1.0,
            licence="none",
        )


def make_mixture(runs: Path, rows: Iterator[MixtureRow]) -> int:
    """Write a finished `mix` stage; return its rows."""
    folder = StageFolder(run_dir=runs / "bench", stage="mix")
    n_rows = write_records(folder.data / "part-00000-of-00001.parquet", MixtureRow, rows)
    asked = {"settings": {}, "inputs": {}}
    write_json(folder.started_file, asked | {"fingerprint": "mix", "command": "", "at": 0.0})
    made = {"counts": {}, "usage": {}, "seconds": 0.0, "parts": 1}
    write_json(folder.manifest_file, asked | made | {"stage": "mix", "output": "mix"})
    return n_rows


def ours(runs: str, model: str, processes: int) -> None:
    """Run the stage."""
    # Late, as the program itself does it: a process that helps begins by importing this file.
    stage, job_module = map(import_module, ("opencharacter.stages.tokenize", "opencharacter.job"))
    config = Config(
        stage="tokenize",
        run="bench",
        runs_dir=runs,
        train=TrainConfig(model=model),
        tokenize=TokenizeConfig(processes=processes),
    )
    with job_module.Job(config, command="bench/tokens.py") as job:
        stage.run(config, job)


def theirs(runs: str, model: str, processes: int, *, mask: bool = True) -> None:
    """Map transformers' chat template over the same rows, with its assistant mask or without."""
    datasets = import_module("datasets")
    datasets.disable_progress_bars()
    auto = import_module("transformers").AutoTokenizer
    opening = import_module("opencharacter.llm.opening")
    templates = import_module("opencharacter.train.templates")
    path = opening.model_path(import_module("opencharacter.config").ModelConfig(model=model))
    tokenizer = auto.from_pretrained(path)
    tokenizer.chat_template = templates.template_text("llama3")
    columns = ["input_ids", *(["assistant_masks"] if mask else [])]

    def encode(batch: dict[str, list[object]]) -> dict[str, list[object]]:
        made = tokenizer.apply_chat_template(
            batch["messages"], tokenize=True, return_dict=True, return_assistant_tokens_mask=mask
        )
        return {name: made[name] for name in columns}

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
    work = {"ours": ours, "theirs": theirs, "ids": partial(theirs, mask=False)}[which]
    before, start = os.times(), time.perf_counter()
    work(runs, model, int(processes))
    after, seconds = os.times(), time.perf_counter() - start
    cpu = sum(after[:4]) - sum(before[:4])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # Linux counts in KiB
    print(cpu, seconds, peak)


def in_process(which: str, runs: Path, model: str, processes: int) -> Cost:
    """Measure in a process of its own; what it writes is forgotten."""
    command = [sys.executable, __file__, "--measure", which, str(runs), model, str(processes)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode:
        sys.exit(ran.stderr)
    for written in (runs / "cache", runs / "bench" / "tokenize"):
        shutil.rmtree(written, ignore_errors=True)
    return Cost(*map(float, ran.stdout.split()[-3:]))


def compare(runs: Path, n_rows: int, given: argparse.Namespace) -> None:
    """Print both of each round and number of processes, and the medians of their ratios."""
    ratios: dict[int, list[tuple[float, float]]] = {n: [] for n in given.processes}
    for _ in range(given.rounds):
        for processes in given.processes:
            found = []
            for which in WAYS:
                way = "ids" if which == "theirs" and given.no_mask else which
                cost = in_process(way, runs, given.model, processes)
                found.append(cost)
                print(f"{processes} process(es) {which:>7} {cost.wall_s:>7.2f} s ", end="")
                print(f"{cost.cpu_s:>7.2f} s CPU {n_rows / cost.wall_s:>7,.0f} rows/s", flush=True)
            other, mine = found
            ratios[processes].append((other.wall_s / mine.wall_s, other.cpu_s / mine.cpu_s))
    for processes, pairs in ratios.items():
        wall, cpu = (median(pair[at] for pair in pairs) for at in (0, 1))
        print(f"{processes} process(es)   ratio {wall:>7.2f}   {cpu:>7.2f} CPU (medians)")


def grow(given: argparse.Namespace) -> None:
    """Print the stage's peak memory on some numbers of rows."""
    base = None
    for size in given.sizes:
        with tempfile.TemporaryDirectory() as folder:
            make_mixture(Path(folder), made_up(size, given.texts))
            cost = in_process("ours", Path(folder), given.model, 1)
        base = cost.peak_mib if base is None else base
        grown = cost.peak_mib - base
        print(f"{size:>8,} rows: peak {cost.peak_mib:,.0f} MiB, growth {grown:+,.0f}")


def main(arguments: list[str]) -> None:
    """Print both, their ratio, and a line per size."""
    parser = argparse.ArgumentParser(description="Speed and memory of stage=tokenize")
    parser.add_argument("--rows", type=int, default=12_000)
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--run", default="")
    parser.add_argument("--texts", nargs="*", default=[])
    parser.add_argument("--no-mask", action="store_true")
    parser.add_argument("--sizes", type=int, nargs="*", default=[1_000, 50_000])
    parser.add_argument("--model", default="embedded")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        run = Path(given.run) / "mix" / "data"
        rows = read_records(run, MixtureRow) if given.run else made_up(given.rows, given.texts)
        n_rows = make_mixture(Path(folder), islice(rows, given.rows))
        print(f"{n_rows:,} rows")
        compare(Path(folder), n_rows, given)
    grow(given)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        measure(*sys.argv[2:])
    else:
        main(sys.argv[1:])
