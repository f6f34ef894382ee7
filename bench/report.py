"""How long a report takes, and how large its page is.

    python bench/report.py [transcripts ...]           # 1 and 10 thousand

A run is written with one score for each transcript, answers of 150 words and 200 characters, then
reported. Bar: 10,000 scores in less than 10 s, reading and writing included.
"""

import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np

from opencharacter.config import ReportConfig
from opencharacter.job.judging import Bench, write_bench
from opencharacter.job.playing import ITEMS, SUITE, Played
from opencharacter.job.reporting import read_results, write_report
from opencharacter.records import (
    Call,
    Control,
    Domain,
    EvalItem,
    Message,
    Role,
    Score,
    Transcript,
    Usage,
)
from opencharacter.store.files import write_json
from opencharacter.store.rows import read_footer, write_records
from opencharacter.store.stage import StageFolder, output_fingerprint

SIZES = (1_000, 10_000)
CHARACTERS = 200
LABELS = ("1", "2", "3", "4", "5")
TASKS = ("persona_consistency", "linguistic_habits", "expected_action")
WORDS = 150
PART = "part-00000-of-00001.parquet"
CALL = Call(model="m@1", prompt_sha256="0", sampling="{}", seed=0, engine="none")


def answer(rng: np.random.Generator) -> str:
    """Return an answer of words that do not repeat more than words do."""
    return " ".join(f"word{int(n)}" for n in rng.zipf(1.3, WORDS) % 5_000)


def rows(n: int) -> tuple[list[EvalItem], list[Transcript], list[Score]]:
    """Return what was asked, answered and scored."""
    rng = np.random.default_rng(0)
    items, transcripts, scores = [], [], []
    for number in range(n):
        person, task = number % CHARACTERS, TASKS[number % len(TASKS)]
        item = EvalItem(
            suite="bench@0",
            persona_id=f"persona-{person:024x}",
            system=f"You are person {person}. " + "Profile. " * 60,
            persona=f"A person with the number {person}",
            questions=(f"Question {number}?",),
            task=task,
            dimensions=(task,),
            domain=Domain.inside if person % 2 else Domain.outside,
        )
        said = [(Role.system, item.system), (Role.user, item.questions[0])]
        said.append((Role.assistant, answer(rng)))
        transcript = Transcript(
            item_id=item.id,
            persona_id=item.persona_id,
            suite=item.suite,
            task=task,
            domain=item.domain,
            model="m@1",
            control=Control.none,
            sample=0,
            messages=tuple(Message(role=role, content=content) for role, content in said),
            failure=None,
            finish_reasons=("stop",),
            call=CALL,
            usage=Usage(),
        )
        shares = rng.dirichlet(np.ones(len(LABELS)))
        scores.append(
            Score(
                transcript_id=transcript.id,
                item_id=item.id,
                persona_id=item.persona_id,
                judge="judge@1",
                rubric="bench@0",
                criterion=task,
                value=float(shares @ np.arange(1, 6)),
                labels=LABELS,
                probabilities=tuple(map(float, shares)),
                mass=1.0,
            )
        )
        items.append(item)
        transcripts.append(transcript)
    return items, transcripts, scores


def write_run(run_dir: Path, n: int) -> None:
    """Write a run that was played and judged."""
    items, transcripts, scores = rows(n)
    play, judge = (StageFolder(run_dir=run_dir, stage=stage) for stage in ("play", "judge"))
    write_records(play.path / ITEMS / PART, EvalItem, items)
    names = ("inputs", "settings", "counts", "usage", "seconds", "parts")
    written = ((play, Transcript, transcripts), (judge, Score, scores))
    for folder, kind, each in written:
        write_records(folder.data / PART, kind, each)
        output = output_fingerprint(folder.stage, read_footer(folder.data / PART).digest)
        known = {"stage": folder.stage, "fingerprint": folder.stage, "output": output}
        write_json(folder.manifest_file, {name: {} for name in names} | known)
    played = Played(
        suite="bench@0",
        items=len(items),
        personas=CHARACTERS,
        personas_played=CHARACTERS,
        damaged={},
        missing=(),
        about={},
    )
    write_json(play.path / SUITE, asdict(played))
    bench = Bench(
        judges={"judge@1": "judge"},
        teacher="",
        candidates={"m@1": "m"},
        unknown={},
        cards={},
        left_out={},
        same_family_stated=False,
        refusal="",
        scales={},
    )
    write_bench(judge, bench)


def main() -> None:
    """Print a line for each size."""
    sizes = [int(word) for word in sys.argv[1:]] or SIZES
    print("  transcripts   seconds   of the CPU   page (MB)")
    for n in sizes:
        with tempfile.TemporaryDirectory() as folder:
            run_dir = Path(folder) / "bench"
            write_run(run_dir, n)
            start, start_cpu = time.perf_counter(), time.process_time()
            results = read_results(run_dir, run="bench")
            sys.stdout, told = sys.stderr, sys.stdout  # the headline is not the measurement
            write_report(run_dir / "report", results, ReportConfig())
            sys.stdout = told
            seconds, cpu = time.perf_counter() - start, time.process_time() - start_cpu
            size = (run_dir / "report" / "report.html").stat().st_size
            print(f"{n:13,} {seconds:9.1f} {cpu:12.1f} {size / 1e6:11.1f}")


if __name__ == "__main__":
    main()
