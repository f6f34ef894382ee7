"""Output tokens per second of the pipeline against the raw engine on the same requests, as ratios.

    python bench/synth.py [--model embedded] [--requests 192] [--dialogues 64] [--rounds 2]

Two comparisons in one process with one engine, taken in turn so that a drifting machine hurts both
alike; prefix caches are emptied before each measurement:

1. Single turns: the pipeline (sessions, log, filters, Parquet) over the engine's own loop fed with
   ready token ids. Bar: >= 0.95.
2. Dialogues of four turns: the pipeline over one `LLM.generate` per turn for all dialogues, which
   is what most frameworks do. Bar: >= 1.10.

The longest length of each answer is drawn log-normal (median 60 tokens, sigma 0.8): a small model's
own lengths are too alike to show a barrier.
"""

import argparse
import math
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from opencharacter.config import ModelConfig
from opencharacter.llm.opening import open_model
from opencharacter.llm.requests import Request, Sampling, Session
from opencharacter.llm.vllm import VllmModel, sampling_params
from opencharacter.llm.work import PartWorker, Plan
from opencharacter.progress import Progress
from opencharacter.records import Instruction, Message, Role
from opencharacter.store.claims import Claims, Part
from opencharacter.store.stage import StageFolder

SEATS = 64


def main() -> None:
    """Measure both comparisons and print their ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--requests", type=int, default=192)
    parser.add_argument("--dialogues", type=int, default=96)
    parser.add_argument("--rounds", type=int, default=2)
    args = parser.parse_args()
    config = ModelConfig(model=args.model, max_length=2048, seats=SEATS, threads=1)
    model = open_model(config)
    assert isinstance(model, VllmModel)
    run_pipeline(model, 16, 1)  # warm-up
    for comparison in (
        Comparison("single turns, pipeline / raw engine loop", run_loop, args.requests, 1, 0.95),
        Comparison(
            "4 turns, pipeline / LLM.generate per turn", run_barrier, args.dialogues, 4, 1.1
        ),
    ):
        compare(model, comparison, args.rounds)
    model.close()


class Comparison(NamedTuple):
    """What is measured against what."""

    title: str
    base: Callable[[VllmModel, int, int], int]
    """Runs n dialogues of so many turns and returns the output tokens."""
    n: int
    turns: int
    bar: float


def compare(model: VllmModel, comparison: Comparison, rounds: int) -> None:
    """Measure base and pipeline in turn and print the median of the ratios."""
    ratios = []
    for _ in range(rounds):
        base = rate(model, comparison.base, comparison)
        ours = rate(model, run_pipeline, comparison)
        ratios.append(ours / base)
        print(f"  base {base:8.0f} tokens/s   pipeline {ours:8.0f} tokens/s   {ours / base:.3f}")
    print(f"{comparison.title}: {statistics.median(ratios):.3f} (bar {comparison.bar})")


def rate(
    model: VllmModel, run: Callable[[VllmModel, int, int], int], comparison: Comparison
) -> float:
    """Return output tokens per second of one run with an empty prefix cache."""
    model.llm.reset_prefix_cache()
    start = time.perf_counter()
    tokens = run(model, comparison.n, comparison.turns)
    return tokens / (time.perf_counter() - start)


def questions(number: int, turns: int) -> list[Message]:
    """Return the user's turns of one dialogue."""
    topics = ("bread", "the sea", "your work", "winter", "a lost key", "trains", "old friends")
    asked = [f"What do you say about {topics[(number + t) % 7]}, part {t}?" for t in range(turns)]
    return [Message(role=Role.user, content=text) for text in asked]


def opening(number: int) -> Message:
    """Return a system message of the usual length; four dialogues share one."""
    facts = " ".join(f"Fact {fact} of person {number // 4} is known." for fact in range(30))
    return Message(role=Role.system, content=facts)


def request(messages: list[Message], number: int, turn: int) -> Request:
    """Return one call; its longest answer is log-normal with median 60, at least 8 tokens."""
    draw = random.Random(f"{number}/{turn}").lognormvariate(math.log(60), 0.8)
    sampling = Sampling(temperature=1.0, top_p=1.0, max_tokens=max(8, min(400, round(draw))))
    return Request(messages=tuple(messages), sampling=sampling, seed=1000 * number + turn)


def run_loop(model: VllmModel, n: int, turns: int) -> int:
    """Feed the engine's own loop with ready token ids; return output tokens. Single turns only."""
    assert turns == 1
    ready = []
    for number in range(n):
        asked = request([opening(number), *questions(number, 1)], number, 0)
        ready.append((model.chat.encode(asked.messages), sampling_params(asked, 10_000)))
    engine = model.llm.llm_engine
    for number, (ids, drawn) in enumerate(ready):
        engine.add_request(f"loop-{number}", {"prompt_token_ids": ids}, drawn)
    tokens = 0
    while engine.has_unfinished_requests():
        for output in engine.step():
            tokens += len(output.outputs[0].token_ids) if output.finished else 0
    return tokens


def run_barrier(model: VllmModel, n: int, turns: int) -> int:
    """Call `LLM.generate` once per turn with all dialogues; return output tokens."""
    histories = [[opening(number)] for number in range(n)]
    tokens = 0
    for turn in range(turns):
        prompts, drawn = [], []
        for number, history in enumerate(histories):
            history.append(questions(number, turns)[turn])
            asked = request(history, number, turn)
            prompts.append({"prompt_token_ids": model.chat.encode(asked.messages)})
            drawn.append(sampling_params(asked, 10_000))
        outputs = model.llm.generate(prompts, drawn, use_tqdm=False)
        for history, output in zip(histories, outputs, strict=True):
            tokens += len(output.outputs[0].token_ids)
            history.append(Message(role=Role.assistant, content=output.outputs[0].text))
    return tokens


def run_pipeline(model: VllmModel, n: int, turns: int) -> int:
    """Run the same dialogues as sessions with log, claims and Parquet; return output tokens."""
    heard: list[Progress] = []

    def dialogue(number: int) -> Session[Instruction]:
        history = [opening(number)]
        for turn, question in enumerate(questions(number, turns)):
            history.append(question)
            completion = yield request(history, number, turn)
            history.append(Message(role=Role.assistant, content=completion.text))
        answers = tuple(m.content for m in history if m.role is Role.assistant)
        return Instruction(
            source="bench",
            messages=tuple(questions(number, turns)),
            references=answers,
            licence="none",
            origin=str(number),
        )

    def sessions(part: Part) -> Iterator[tuple[str, Session[Instruction]]]:
        for number in range(part.number, n, part.of):
            yield str(number), dialogue(number)

    plan = Plan(
        keys=lambda: (str(number) for number in range(n)),
        sessions=sessions,
        key_columns=("origin",),
        record_type=Instruction,
    )
    with tempfile.TemporaryDirectory() as folder:
        stage = StageFolder(run_dir=Path(folder), stage="bench")
        with Claims(stage.path / "claims", timeout_s=60) as claims:
            worker = PartWorker(stage, plan, claims=claims, parts=2, show=heard.append)
            worker.run(model, range(2))
    return heard[-1].output_tokens


if __name__ == "__main__":
    main()
