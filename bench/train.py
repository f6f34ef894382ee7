"""Speed of `stage=train` beside a bare TRL script on the same rows, and how full rows are packed.

    python bench/train.py [--run runs/demo] [--rows 400] [--model embedded] [--max-length 2048]
                          [--global-tokens 16384] [--epochs 1] [--rounds 6]

The rows are those of a run whose `stage=tokenize` is finished, or made up: as long as dialogues of
a large teacher are (log-normal around 735 tokens), half of them learned. Both train all weights
with the same arguments of TRL, each in a process of its own, in turn; TRL packs for itself.
Measured is `SFTTrainer.train`, its one checkpoint at the end included: opening the model is not.
Each round measures both, and the next one the other way round; the bar is for the median of the
rounds' ratios. Their mean losses stand beside them: the same weights learn the same rows, in other
packs. What differs in the arguments is what ours does itself: packs, and a look at every loss.
Tokens a second of the clock and of CPU time. With `--shape` a model of a given shape and random
weights is trained, on a GPU too: `shaped.py`. Bars: ratio >= 0.98, packing efficiency >= 0.98.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib import import_module
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np

from opencharacter.config import Config, HoldoutConfig, TrainConfig
from opencharacter.ids import digest
from opencharacter.job import Job
from opencharacter.records import Method, Tokens
from opencharacter.store.files import write_json
from opencharacter.store.rows import part_files, read_records, write_records
from opencharacter.store.stage import StageFolder

MEDIAN, SPREAD, SHORTEST = 735, 0.5, 32  # tokens; of its logarithm; tokens
FIRST_ID, LAST_ID = 256, 4000  # ordinary tokens of the embedded model
STOP = 4  # its end of a turn
TEMPLATE = "{{ messages }}"


class Cost(NamedTuple):
    """What a training took."""

    tokens: float
    packs: float
    wall_s: float
    cpu_s: float
    loss: float
    """Mean of all steps, in nats a learned token."""

    @property
    def rates(self) -> tuple[float, float]:
        """Tokens a second of the clock, and of CPU time."""
        return self.tokens / self.wall_s, self.tokens / self.cpu_s


def made_up(n_rows: int, longest: int) -> Iterator[Tokens]:
    """Return rows of random tokens whose lengths are spread as those of dialogues are."""
    draw = np.random.default_rng(0)
    for number in range(n_rows):
        length = int(np.clip(draw.lognormal(np.log(MEDIAN), SPREAD), SHORTEST, longest))
        ids = [*draw.integers(FIRST_ID, LAST_ID, size=length - 1).tolist(), STOP]
        yield Tokens(
            row_id=f"row-{number}",
            character_id=f"character-{number}",
            instruction_id=f"instruction-{number}",
            persona_id=f"persona-{number}",
            source="bench",
            method=Method.generate,
            weight=1.0,
            tokenizer="bench",
            template="bench",
            dropped_turns=0,
            n_supervised=length - length // 2,
            input_ids=tuple(ids),
            labels=(*[-100] * (length // 2), *ids[length // 2 :]),
        )


def make_tokens(runs: Path, rows: Iterator[Tokens]) -> None:
    """Write a run whose stage `tokenize` is finished."""
    folder = StageFolder(run_dir=runs / "bench", stage="tokenize")
    n_rows = write_records(folder.data / "part-00000-of-00001.parquet", Tokens, rows)
    asked: dict[str, Any] = {"inputs": {}, "settings": {}}
    write_json(folder.started_file, asked | {"fingerprint": "x", "command": "", "at": 0.0})
    counts = {"in": n_rows, "out": n_rows, "rejected": {}, "not_drawn": 0, "notes": {}}
    made = {"counts": counts, "usage": {}, "seconds": 0.0, "parts": 1}
    write_json(folder.manifest_file, asked | made | {"stage": "tokenize", "output": digest("x")})
    (folder.path / "chat_template.jinja").write_text(TEMPLATE, encoding="utf-8")


def settings(runs: str, arguments: argparse.Namespace) -> Config:
    """Return a run that holds nothing out and saves once."""
    train = TrainConfig(
        model=arguments.model,
        max_length=arguments.max_length,
        device_tokens=arguments.max_length,
        global_tokens=arguments.global_tokens,
        epochs=arguments.epochs,
        gradient_checkpointing=False,
        log_steps=arguments.log_steps,
        holdout=HoldoutConfig(characters=0, dialogues=0, general=0),
        sft={"save_total_limit": 2},
    )
    return Config(stage="train", run="bench", runs_dir=runs, train=train)


def ours(config: Config) -> None:
    """Run the stage."""
    with Job(config, command="bench/train.py") as job:
        import_module("opencharacter.stages.train").run(config, job)


def theirs(config: Config) -> None:
    """Train with TRL as its own documentation has it, on the rows as a data set."""
    trl = import_module("trl")
    models = import_module("opencharacter.train.models")
    fit = import_module("opencharacter.train.fit")
    batches = import_module("opencharacter.train.batches").derive_batches(config.train, 1)
    datasets = import_module("datasets")
    datasets.disable_progress_bars()
    parts = part_files(Path(config.runs_dir) / "bench" / "tokenize" / "data")
    columns = ["input_ids", "labels"]
    rows = datasets.Dataset.from_parquet(
        [str(p) for p in parts], columns=columns, cache_dir=str(Path(config.runs_dir) / "cache")
    )
    made = fit.build_arguments(
        *(config.train, batches, Path(config.runs_dir) / "bare"),
        steps_per_epoch=10**9,  # a checkpoint at the end alone, as ours
        metric=None,
        seed=0,
    )
    made.dataset_kwargs, made.remove_unused_columns, made.shuffle_dataset = None, True, True
    made.logging_nan_inf_filter = True
    opened = models.open_model(config.train, range(8), TEMPLATE)
    trl.SFTTrainer(
        model=opened.model, args=made, processing_class=opened.tokenizer, train_dataset=rows
    ).train()


def measure(which: str, config: Config) -> None:
    """Run one of the two; print what `SFTTrainer.train` took."""
    trainer = import_module("trl").SFTTrainer
    train = trainer.train
    found: list[float] = []

    def timed(self: Any, *args: Any, **kwargs: Any) -> Any:
        before, start = os.times(), time.perf_counter()
        result = train(self, *args, **kwargs)
        after, seconds = os.times(), time.perf_counter() - start
        cpu = sum(after[:2]) - sum(before[:2])
        found.extend([len(self.train_dataset), seconds, cpu, result.training_loss])
        return result

    trainer.train = timed
    {"ours": ours, "theirs": theirs}[which](config)
    print(*found)


def in_process(which: str, source: Path, words: list[str]) -> list[float]:
    """Measure in a process of its own, on a copy of the rows."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(source, folder, dirs_exist_ok=True)
        command = [sys.executable, __file__, *words, "--measure", which, "--runs", folder]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode:
        sys.exit(ran.stderr)
    return [float(word) for word in ran.stdout.split()[-4:]]


def compare(given: argparse.Namespace, words: list[str]) -> None:
    """Print both of each round, the ratios, and how full the packs are."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(given.run) / "tokenize" / "data"
        longest = given.max_length
        rows = read_records(data, Tokens) if given.run else made_up(given.rows, longest)
        make_tokens(Path(folder), islice(rows, given.rows))
        found = read_records(Path(folder) / "bench" / "tokenize" / "data", Tokens)
        lengths = [len(row.input_ids) for row in found]
        tokens = sum(lengths)
        middle, mean = median(lengths), tokens / len(lengths)
        print(f"{len(lengths):,} rows of {min(lengths)} to {max(lengths)} tokens, ", end="")
        print(f"half below {middle:.0f}, mean {mean:.0f}")
        ratios: list[tuple[float, float]] = []
        for at in range(given.rounds):
            costs = {
                which: Cost(tokens * given.epochs, *in_process(which, Path(folder), words))
                for which in (("ours", "theirs") if at % 2 else ("theirs", "ours"))
            }
            for which, cost in costs.items():
                wall, cpu = cost.rates
                filled = tokens / cost.packs / given.max_length
                print(f"{which:>8} {wall:>9,.0f} tokens/s {cpu:>9,.0f} tokens/CPU s, ", end="")
                print(f"{cost.packs:,.0f} packs {filled:.1%} full, loss {cost.loss:.4f}")
            pairs = zip(costs["ours"].rates, costs["theirs"].rates, strict=True)
            wall, cpu = (mine / other for mine, other in pairs)
            ratios.append((wall, cpu))
            print(f"{'round':>8} {wall:>9.3f}          {cpu:>9.3f}", flush=True)
        walls, cpus = zip(*ratios, strict=True)
        print(f"{'ratio':>8} {median(walls):>9.3f}          {median(cpus):>9.3f}          ", end="")
        print(f"(median of {given.rounds}; {min(walls):.3f} to {max(walls):.3f}, ", end="")
        print(f"CPU {min(cpus):.3f} to {max(cpus):.3f})")


def main(words: list[str]) -> None:
    """Read the sizes; compare, or measure one of the two."""
    parser = argparse.ArgumentParser(description="Speed of stage=train beside TRL")
    parser.add_argument("--run", default="")
    parser.add_argument("--rows", type=int, default=400)
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--max-length", type=int, default=2048)
    parser.add_argument("--global-tokens", type=int, default=16384)
    parser.add_argument("--epochs", type=float, default=1.0)
    parser.add_argument("--log-steps", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--measure", choices=["ours", "theirs"])
    parser.add_argument("--runs")
    given = parser.parse_args(words)
    if given.measure:
        measure(given.measure, settings(given.runs, given))
    else:
        compare(given, words)


if __name__ == "__main__":
    if "--shape" in sys.argv:
        import_module("shaped").main(sys.argv[1:])
    else:
        main(sys.argv[1:])
