"""Verdicts per second of `stage=judge` against the raw engine on the same prompts, as a ratio.

    python bench/judge.py [--model embedded] [--characters 24] [--answers 4] [--rounds 10]

One process, one engine. The stage reads transcripts, writes prompts, keeps each verdict in its own
log and in the cache that all runs share, writes scores, and gathers them with judges.json. The base
is the engine's own add-request/step loop: the same prompts in the same order, rendered and encoded
before its clock starts, one token, the same log probabilities. Every measurement starts with empty
caches; from round to round the other side goes first. The median of the rounds is the ratio, by
wall clock and by this process's own CPU time, which says more where others use the same cores. Bar:
>= 0.95.

Then the share of prompt tokens that the engine's prefix cache held, and the same answers judged
again by another run: no model call at all, and how long that takes. What another order of the parts
of a prompt, or of the prompts, does to the share, `bench/prefixes.py` measures.
"""

import argparse
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from synth import empty_caches
from work import SEED, OpenJob, Played, make_input, make_played, verdict_requests

from opencharacter.config import Config, JudgeConfig
from opencharacter.job.playing import ITEMS
from opencharacter.llm.opening import open_model
from opencharacter.llm.requests import Completion, Model, Request
from opencharacter.llm.vllm import VllmModel, sampling_params
from opencharacter.records import EvalItem, Transcript
from opencharacter.stages import judge
from opencharacter.store.rows import part_files, read_columns, write_records
from opencharacter.store.stage import StageFolder

SEATS = 64
BAR = 0.95
NO_BAR = 0.0  # least label mass: what is measured is the time, not what a model thinks


class Took(NamedTuple):
    """Verdicts per second."""

    wall: float
    cpu: float


def main() -> None:
    """Measure the stage against the engine, then the cache, and print both."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--characters", type=int, default=24)
    parser.add_argument("--answers", type=int, default=4, help="questions to each, twice answered")
    parser.add_argument("--rounds", type=int, default=10)
    args = parser.parse_args()
    played = make_played(args.characters, args.answers)
    settings = JudgeConfig(
        model=args.model,
        max_length=2048,
        seats=SEATS,
        threads=2,
        criteria=["linguistic_habits", "persona_consistency"],
        min_mass=NO_BAR,
    )
    model = open_model(settings.model_config)
    assert isinstance(model, VllmModel)
    requests = verdict_requests(played, settings)
    with tempfile.TemporaryDirectory() as folder:
        run_stage(model, played, settings, Path(folder))  # warm-up
    compare(model, played, settings, requests, args.rounds)
    judge_again(model, played, settings)
    model.close()


def compare(
    model: VllmModel,
    played: Played,
    settings: JudgeConfig,
    requests: list[Request],
    rounds: int,
) -> None:
    """Measure engine and stage in turn and print the medians of the ratios."""
    walls, cpus = [], []
    for number in range(rounds):
        took: dict[str, Took] = {}
        for side in ("base", "stage") if number % 2 == 0 else ("stage", "base"):
            empty_caches(model)
            if side == "base":
                took[side] = run_loop(model, requests)
                continue
            with tempfile.TemporaryDirectory() as folder:
                took[side] = run_stage(model, played, settings, Path(folder))
        base, stage = took["base"], took["stage"]
        walls.append(stage.wall / base.wall)
        cpus.append(stage.cpu / base.cpu)
        print(
            f"  base {base.wall:6.0f}/s   stage {stage.wall:6.0f}/s   {walls[-1]:.3f}; by CPU "
            f"{cpus[-1]:.3f}"
        )
    wall, cpu = statistics.median(walls), statistics.median(cpus)
    print(f"{len(requests):,} verdicts, stage / raw engine loop: {wall:.3f} (bar {BAR})")
    print(f"the same by CPU time: {cpu:.3f}")


def run_loop(model: VllmModel, requests: list[Request]) -> Took:
    """Feed the engine's own loop with what was rendered and encoded before."""
    ready = []
    for request in requests:
        labels = model._labels(request.labels)
        prompt = model.chat.encode(request.messages)
        ready.append((prompt, sampling_params(request, 1, labels)))
    engine = model.llm.llm_engine
    done, cached, tokens = 0, 0, 0
    wall, cpu = time.perf_counter(), time.process_time()
    for number, (ids, drawn) in enumerate(ready):
        engine.add_request(f"loop-{number}", {"prompt_token_ids": ids}, drawn)
    while engine.has_unfinished_requests():
        for output in engine.step():
            done += bool(output.outputs[0].logprobs)
            cached += output.num_cached_tokens or 0
            tokens += len(output.prompt_token_ids)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    assert done == len(requests), f"{done} verdicts of {len(requests)} questions"
    print(f"  base: {cached / tokens:.1%} of {tokens:,} prompt tokens were cached")
    return Took(done / wall, done / cpu)


def run_stage(model: Model, played: Played, settings: JudgeConfig, runs: Path) -> Took:
    """Run `stage=judge` as the command line does, from transcripts on disk to all scores."""
    config = Config(stage="judge", run="bench", runs_dir=str(runs), seed=SEED, judge=settings)
    make_input(runs / "bench", "play", Transcript, played.transcripts)
    folder = StageFolder(run_dir=runs / "bench", stage="play")
    write_records(folder.path / ITEMS / "part-00000-of-00001.parquet", EvalItem, played.items)
    with OpenJob(config, model) as job:
        wall, cpu = time.perf_counter(), time.process_time()
        judge.run(config, job)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        done = len(list(read_columns(part_files(job.folder("judge").data), ["value"])))
    return Took(done / wall, done / cpu)


class Counting:
    """The model, counting what it is asked."""

    def __init__(self, model: Model) -> None:
        """Take an open model, which stays open."""
        self.name, self.engine, self.window = model.name, model.engine, model.window
        self.calls = 0
        self._model = model

    def submit(self, ticket: int, request: Request) -> None:
        """Count the request, and start it."""
        self.calls += 1
        self._model.submit(ticket, request)

    def collect(self, wait_s: float = 1.0) -> list[tuple[int, Completion]]:
        """Return what is done."""
        return self._model.collect(wait_s)

    def close(self) -> None:
        """Leave the model open."""


def judge_again(model: Model, played: Played, settings: JudgeConfig) -> None:
    """Judge, then judge the same in another run, and print how many calls each made."""
    with tempfile.TemporaryDirectory() as cache, tempfile.TemporaryDirectory() as runs:
        kept = replace(settings, cache=cache)
        for title in ("with an empty cache", "with a full cache"):
            counting = Counting(model)
            began = time.perf_counter()
            run_stage(counting, played, kept, Path(runs) / title)
            seconds = time.perf_counter() - began
            print(f"{title}: {counting.calls:,} model calls, {seconds:.2f} s")


if __name__ == "__main__":
    main()
