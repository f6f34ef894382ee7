"""Records per second of our own code: a model that answers at once, so that nothing else costs.

    python bench/overhead.py [--records 8000] [--rounds 5] [--profile]

(a) sessions, log and sink: `run_sessions` with a session of one request, each answer in the log of
    calls, the records as Parquet in parts of 500. Bar: >= 5,000 records/s.
(b) the whole `stage=generate`: records read from disk, who meets whom, prompts, sessions, log, all
    checks of an answer, Parquet, accounting, manifest.

A prompt has 2.4 KB, an answer 1.3 KB of English words. Where others use the same cores the wall
clock says little, so records per second of this process's own CPU time are printed too.
"""

import argparse
import cProfile
import pstats
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from work import CALL, SEED, Work, make_work, run_generate

from opencharacter.config import SamplingConfig
from opencharacter.ids import request_seed
from opencharacter.llm.requests import Completion, Finish, Request, Sampling, Session
from opencharacter.llm.sessions import Admitted, run_sessions
from opencharacter.prompts.character import system_message
from opencharacter.records import Message, Method, Response, Role, Usage
from opencharacter.store.claims import Part
from opencharacter.store.completions import CompletionLog
from opencharacter.store.rows import write_records
from opencharacter.synth.asking import requested
from opencharacter.synth.responses import Task

ROWS_PER_PART = 500
FACTS = 17  # sentences a field: a prompt of 2.4 KB
PER_CHARACTER = 16
BAR = 5_000
SAMPLING = SamplingConfig(max_tokens=400)
WORDS = (
    "the a my your our bread winter letter train harbour garden evening morning friend brother "
    "sister mother father city village river mountain road house window door table chair book "
    "song story voice hand heart time year day night rain snow wind light fire water stone I we "
    "you they she he was were is are had have would could should will may might know think feel "
    "remember believe walk carry bring leave find keep hold speak listen write learn teach work "
    "build mend cook sail travel wait hope and but because when while before after near under "
    "over with without from into through quiet warm cold old new small great long short good"
).split()


def main() -> None:
    """Measure both and print records per second."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=int, default=8_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--profile", action="store_true", help="say where the time goes")
    args = parser.parse_args()
    work = make_work(args.records, 1, per_character=PER_CHARACTER, facts=FACTS)
    print("records/s: wall clock, own CPU time")
    for title, run in (
        ("(a) sessions, log and sink", run_plain),
        ("(b) stage=generate", run_stage),
    ):
        rates = [measure(run, work) for _ in range(args.rounds)]
        wall, cpu = (statistics.median(column) for column in zip(*rates, strict=True))
        best = max(rate.wall for rate in rates)
        print(f"{title}: {wall:,.0f} (best {best:,.0f}), {cpu:,.0f}")
        if args.profile:
            profile(run, work)
    print(f"bar of (a): {BAR:,}")


class Rate(NamedTuple):
    """Records per second."""

    wall: float
    cpu: float


Run = Callable[["InstantModel", Work, Path], None]


def measure(run: Run, work: Work) -> Rate:
    """Return the rate of one run in a folder of its own."""
    model = InstantModel()
    with tempfile.TemporaryDirectory() as folder:
        wall, cpu = time.perf_counter(), time.process_time()
        run(model, work, Path(folder))
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return Rate(len(work.instructions) / wall, len(work.instructions) / cpu)


def profile(run: Run, work: Work) -> None:
    """Print the functions that take the most time."""
    with tempfile.TemporaryDirectory() as folder:
        profiler = cProfile.Profile()
        profiler.runcall(run, InstantModel(), work, Path(folder))
    pstats.Stats(profiler).sort_stats("tottime").print_stats(25)


class InstantModel:
    """Answers every request at once with one of 512 texts, which its seed chooses."""

    name, engine, window = "instant@1", "instant 1", 256

    def __init__(self) -> None:
        """Write the texts."""
        drawn = random.Random(SEED)
        self._answers = [
            Completion(
                text=make_text(drawn), finish=Finish.stop, prompt_tokens=600, output_tokens=300
            )
            for _ in range(512)
        ]
        self._done: list[tuple[int, Completion]] = []

    def submit(self, ticket: int, request: Request) -> None:
        """Answer."""
        self._done.append((ticket, self._answers[request.seed % 512]))

    def collect(self, wait_s: float = 1.0) -> list[tuple[int, Completion]]:
        """Return all answers there are."""
        done, self._done = self._done, []
        return done

    def close(self) -> None:
        """Hold nothing."""


def make_text(drawn: random.Random) -> str:
    """Return 1.3 KB of sentences."""
    sentences = []
    while sum(map(len, sentences)) < 1_270:
        words = drawn.choices(WORDS, k=drawn.randint(6, 18))
        sentences.append(f"{' '.join(words).capitalize()}.")
    return " ".join(sentences)


def run_plain(model: InstantModel, work: Work, folder: Path) -> None:
    """Ask one request a record, log it, write the records."""
    log = CompletionLog(folder / "completions", Part(0, 1), {})
    sampling = requested(SAMPLING)
    sessions = (Admitted(None, ask_once(task, sampling), log) for task in work.tasks())
    finished = run_sessions(model, sessions)
    records = (result for _, result in finished if isinstance(result, Response))
    written = 0
    for number in range(0, len(work.instructions), ROWS_PER_PART):
        path = folder / f"part-{number:05d}.parquet"
        written += write_records(path, Response, list(islice(records, ROWS_PER_PART)))
    log.close()
    assert written == len(work.instructions), f"{written} records of {len(work.instructions)}"


def ask_once(task: Task, sampling: Sampling) -> Session[Response]:
    """Ask the instruction's first turn and make a record of the answer, whatever it says."""
    question = task.instruction.messages[0]
    request = Request(
        messages=(system_message(task.character), question),
        sampling=sampling,
        seed=request_seed(SEED, task.key, "bench", 0, 0),
    )
    completion = yield request
    usage = Usage(output_tokens=completion.output_tokens, calls=1)
    answer = Message(role=Role.assistant, content=completion.text)
    return Response(
        character_id=task.character.id,
        instruction_id=task.instruction.id,
        method=Method.generate,
        source=task.instruction.source,
        draw=task.draw,
        licence=task.instruction.licence,
        messages=(question, answer),
        finish_reasons=(str(completion.finish),),
        call=replace(CALL, prompt_sha256=request.key(InstantModel.name), seed=request.seed),
        usage=usage,
    )


def run_stage(model: InstantModel, work: Work, folder: Path) -> None:
    """Run the stage."""
    manifest = run_generate(model, work, SAMPLING, folder).manifest
    counts = manifest["counts"]
    assert counts["out"] == len(work.instructions), f"the stage counts {counts}"


if __name__ == "__main__":
    main()
