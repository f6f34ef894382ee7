"""Output tokens per second of `stage=generate` against the raw engine on the same work, as ratios.

    python bench/synth.py [--model embedded] [--requests 128] [--dialogues 48] [--rounds 20]
                          [--fill 192]

Two comparisons in one process with one engine. Every measurement starts with empty caches (the
engine's prefixes, encoded texts, what checks remember); from round to round the other side goes
first, so that a drifting machine hurts both alike:

1. Single turns: the whole stage (records read, prompts, encoding, sessions, checks, log of calls,
   Parquet, manifest) over the engine's own loop, whose token ids are encoded before its clock
   starts. Bar: >= 0.97 (the median of the rounds).
2. Dialogues of four turns: the whole stage over one `LLM.generate` per turn for all dialogues,
   which is what most frameworks do. Bar: >= 1.10.

Then the window fill: the share of the engine's seats that are busy in a step, of 192 dialogues of
two turns, the final drain left out (the steps after the last full one). Bar: >= 95 %. What the
order of sessions does to the prefix cache, `bench/prefixes.py` measures.

The length of each answer is drawn log-normal (median 60 tokens, sigma 0.8, mean 80) and reached
exactly: the engine is told to ignore the model's own end, for a small model's answers are short and
too alike to show a barrier, and so both sides make the same tokens. An answer of its length passes
for one that ended, for the stage takes no torn ones; one that a filter refuses is not asked for
again, so that both sides ask the same. Refused dialogues are counted.

On a shared machine rounds differ by a tenth and more. So the share of the stage's time that it
spends inside the engine is printed too: the rest is what the pipeline costs.
"""

import argparse
import math
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, Self

from vllm import SamplingParams
from work import SEED, Work, make_work, run_generate

from opencharacter.checks import breaking, leaking
from opencharacter.config import ModelConfig, SamplingConfig
from opencharacter.ids import request_seed
from opencharacter.llm.chat import ChatEncoder
from opencharacter.llm.opening import open_model
from opencharacter.llm.requests import Completion, Finish, Request
from opencharacter.llm.vllm import VllmModel, sampling_params
from opencharacter.prompts.character import system_message
from opencharacter.records import Message, Role
from opencharacter.synth.asking import requested
from opencharacter.synth.responses import Task

SEATS = 64
LONGEST = 400  # tokens of an answer
# Answers in circles are not stopped: the stage would refuse their dialogues and ask less.
SAMPLING = SamplingConfig(temperature=1.0, top_p=1.0, max_tokens=LONGEST, max_repeats=0)


def main() -> None:
    """Measure both comparisons and print their ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--requests", type=int, default=128)
    parser.add_argument("--dialogues", type=int, default=48)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--fill", type=int, default=192, help="dialogues for the window fill")
    args = parser.parse_args()
    model = open_model(ModelConfig(model=args.model, max_length=2048, seats=SEATS, threads=2))
    assert isinstance(model, VllmModel)
    draw_lengths(model)
    run_stage(model, make_work(16, 1))  # warm-up
    for comparison in (
        Comparison("single turns, stage / raw engine loop", run_loop, args.requests, 1, 0.97),
        Comparison("4 turns, stage / LLM.generate per turn", run_barrier, args.dialogues, 4, 1.1),
    ):
        compare(model, comparison, args.rounds)
    show_fill(model, make_work(args.fill, 2))
    model.close()


Run = Callable[[VllmModel, Work], float]
"""Does the work and returns output tokens per second."""


class Comparison(NamedTuple):
    """What is measured against what."""

    title: str
    base: Run
    dialogues: int
    turns: int
    bar: float


def compare(model: VllmModel, comparison: Comparison, rounds: int) -> None:
    """Measure base and stage in turn and print the median of the ratios."""
    work = make_work(comparison.dialogues, comparison.turns)
    ratios = []
    for number in range(rounds):
        order = (comparison.base, run_stage)
        rates: dict[Run, float] = {}
        for run in order if number % 2 == 0 else reversed(order):
            empty_caches(model)
            rates[run] = run(model, work)
        base, ours = (rates[run] for run in order)
        ratios.append(ours / base)
        print(f"  base {base:8.0f} tokens/s   stage {ours:8.0f} tokens/s   {ours / base:.3f}")
    print(f"{comparison.title}: {statistics.median(ratios):.3f} (bar {comparison.bar})")


def show_fill(model: VllmModel, work: Work) -> None:
    """Print which share of the seats is busy in the stage, and in one `LLM.generate` a turn."""
    for title, run in (("stage", run_stage), ("LLM.generate per turn", run_barrier)):
        empty_caches(model)
        with BusySeats(model) as busy:
            run(model, work)
        print(f"window fill, {title}: {busy.fill():.1%} of {SEATS} seats without the final drain")


class BusySeats:
    """How many requests are in each step of the engine while this is entered."""

    def __init__(self, model: VllmModel) -> None:
        """Take an open model."""
        self._scheduler: Any = model.llm.llm_engine.engine_core.engine_core.scheduler
        self._schedule = self._scheduler.schedule
        self._busy: list[int] = []

    def __enter__(self) -> Self:
        """Count in every step."""
        self._scheduler.schedule = self._counted
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the scheduler as it was."""
        self._scheduler.schedule = self._schedule

    def fill(self) -> float:
        """Return the mean share of busy seats up to the last step in which all were."""
        full = [step for step, busy in enumerate(self._busy) if busy == SEATS]
        return statistics.fmean(self._busy[: full[-1] + 1]) / SEATS if full else 0.0

    def _counted(self, *args: Any, **kwargs: Any) -> Any:
        scheduled = self._schedule(*args, **kwargs)
        self._busy.append(len(scheduled.num_scheduled_tokens))
        return scheduled


def empty_caches(model: VllmModel) -> None:
    """Empty what a measurement could find done by the one before."""
    model.llm.reset_prefix_cache()
    model.chat = ChatEncoder(model.llm.get_tokenizer())
    for module in (breaking, leaking):
        for found in vars(module).values():
            if hasattr(found, "cache_clear"):
                found.cache_clear()


def draw_lengths(model: VllmModel) -> None:
    """Let every answer of the engine reach its longest length, whoever asks."""
    engine: Any = model.llm.llm_engine
    add_request = engine.add_request

    def add(number: str, prompt: Any, drawn: SamplingParams, **more: Any) -> Any:
        drawn.ignore_eos = True
        return add_request(number, prompt, drawn, **more)

    engine.add_request = add


def turn_request(task: Task, history: list[Message], turn: int) -> Request:
    """Return the call that the stage makes for a turn, shortened."""
    seed = request_seed(SEED, task.key, "generate", turn, 0)
    return shortened(Request(messages=tuple(history), sampling=requested(SAMPLING), seed=seed))


def shortened(request: Request) -> Request:
    """Return the request with the length of its answer drawn, from 8 to `LONGEST` tokens."""
    drawn = random.Random(request.seed).lognormvariate(math.log(60), 0.8)
    longest = max(8, min(LONGEST, round(drawn)))
    return replace(request, sampling=replace(request.sampling, max_tokens=longest))


class ShortenedModel:
    """The engine, with answers that end at their drawn length as if the model had ended them."""

    def __init__(self, model: VllmModel) -> None:
        """Take an open model, which stays open."""
        self.name, self.engine, self.window = model.name, model.engine, model.window
        self._model = model

    def submit(self, ticket: int, request: Request) -> None:
        """Start the request, shortened."""
        self._model.submit(ticket, shortened(request))

    def collect(self, wait_s: float = 1.0) -> list[tuple[int, Completion]]:
        """Return what is done, cut-off answers as ended ones."""
        return [
            (ticket, replace(done, finish=Finish.stop) if done.finish is Finish.length else done)
            for ticket, done in self._model.collect(wait_s)
        ]

    def close(self) -> None:
        """Leave the engine open for the next measurement."""


class EngineTime:
    """Seconds spent inside the engine while this is entered: adding requests, and stepping."""

    def __init__(self, model: VllmModel) -> None:
        """Take an open model."""
        self.seconds = 0.0
        self._engine = model.llm.llm_engine
        self._calls = {name: getattr(self._engine, name) for name in ("add_request", "step")}

    def __enter__(self) -> Self:
        """Put a clock around both calls."""
        for name, call in self._calls.items():
            setattr(self._engine, name, self._timed(call))
        return self

    def __exit__(self, *_: object) -> None:
        """Take the clocks off."""
        for name, call in self._calls.items():
            setattr(self._engine, name, call)

    def _timed(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*args: Any, **kwargs: Any) -> Any:
            start = time.perf_counter()
            try:
                return call(*args, **kwargs)
            finally:
                self.seconds += time.perf_counter() - start

        return timed


def run_stage(model: VllmModel, work: Work) -> float:
    """Run `stage=generate` as the command line does, from records on disk to its manifest."""
    with tempfile.TemporaryDirectory() as folder, EngineTime(model) as engine:
        run = run_generate(ShortenedModel(model), work, SAMPLING, Path(folder))
    share = engine.seconds / run.seconds
    refused = run.manifest["counts"]["rejected"]
    print(f"  refused: {refused or 'none'}; in the engine: {share:.1%}")
    tokens: int = run.manifest["usage"]["output_tokens"]
    return tokens / run.seconds


def run_loop(model: VllmModel, work: Work) -> float:
    """Feed the engine's own loop with token ids encoded before; single turns only."""
    ready = []
    for task in work.tasks():
        asked = turn_request(task, [system_message(task.character), *task.instruction.messages], 0)
        ready.append((model.chat.encode(asked.messages), sampling_params(asked, LONGEST)))
    engine = model.llm.llm_engine
    tokens = 0
    start = time.perf_counter()
    for number, (ids, drawn) in enumerate(ready):
        engine.add_request(f"loop-{number}", {"prompt_token_ids": ids}, drawn)
    while engine.has_unfinished_requests():
        for output in engine.step():
            tokens += len(output.outputs[0].token_ids) if output.finished else 0
    return tokens / (time.perf_counter() - start)


def run_barrier(model: VllmModel, work: Work) -> float:
    """Call `LLM.generate` once per turn with all dialogues, whose prompts are encoded as they come.

    A later turn's prompt holds the answers before it, so nobody can encode it ahead.
    """
    tokens = 0
    start = time.perf_counter()
    tasks = work.tasks()
    histories = [[system_message(task.character)] for task in tasks]
    for turn in range(len(tasks[0].instruction.messages)):
        prompts, drawn = [], []
        for task, history in zip(tasks, histories, strict=True):
            history.append(task.instruction.messages[turn])
            asked = turn_request(task, history, turn)
            prompts.append({"prompt_token_ids": model.chat.encode(asked.messages)})
            drawn.append(sampling_params(asked, LONGEST))
        outputs = model.llm.generate(prompts, drawn, use_tqdm=False)
        for history, output in zip(histories, outputs, strict=True):
            tokens += len(output.outputs[0].token_ids)
            history.append(Message(role=Role.assistant, content=output.outputs[0].text))
    return tokens / (time.perf_counter() - start)


if __name__ == "__main__":
    main()
