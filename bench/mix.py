"""Peak memory and speed of `stage=mix` on 1 and on 30 thousand instructions with 3 characters each.

    python bench/mix.py [instructions ...]

Each run is a process of its own. Memory is the largest resident set, interpreter and libraries
included; growth is against the first line. Bar: growth <= 200 MB.
"""

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from opencharacter.config import Config
from opencharacter.job import Job
from opencharacter.records import Call, Character, Message, Method, Response, Role, Split, Usage
from opencharacter.stages import mix
from opencharacter.store.files import write_json
from opencharacter.store.rows import write_records
from opencharacter.store.stage import StageFolder

SIZES = (1_000, 30_000)
CHARACTERS = 1_000
N = 3
CALL = Call(model="m@1", prompt_sha256="0", sampling="{}", seed=0, engine="none")


def characters() -> list[Character]:
    """Return people with profiles of the usual length."""
    return [
        Character(
            persona_id=f"persona-{number:024x}",
            persona=f"A person with the number {number}",
            split=Split.train,
            cluster=str(number),
            licence="none",
            name=f"Name {number}",
            age=30,
            gender="female",
            race="any",
            birth_place="Oslo, Norway",
            appearance="Tall. " * 10,
            experience="Worked. " * 40,
            personality="Kind. " * 20,
            profile="Profile. " * 100,
            call=CALL,
            usage=Usage(),
        )
        for number in range(CHARACTERS)
    ]


def answer(number: int) -> str:
    """Return an answer of 150 words."""
    words = np.random.default_rng(number).integers(3_000, size=150)
    return " ".join(f"w{word}" for word in words.tolist())


def responses(instructions: int, people: list[Character]) -> Iterator[Response]:
    """Yield N dialogues an instruction, of about 1 kB each, no two alike."""
    for number in range(instructions):
        for draw in range(N):
            yield Response(
                character_id=people[(number + draw) % CHARACTERS].id,
                instruction_id=f"instruction-{number:024x}",
                method=Method.generate,
                source="bench",
                draw=draw,
                licence="none",
                messages=(
                    Message(role=Role.user, content=f"Question {number}? " * 10),
                    Message(role=Role.assistant, content=answer(number * N + draw)),
                ),
                finish_reasons=("stop",),
                call=CALL,
                usage=Usage(),
            )


def make_inputs(runs: Path, instructions: int) -> None:
    """Write finished `profiles` and `generate` stages."""
    people = characters()
    answers = responses(instructions, people)
    for stage, kind, rows in (("profiles", Character, people), ("generate", Response, answers)):
        folder = StageFolder(run_dir=runs / "bench", stage=stage)
        write_records(folder.data / "part-00000-of-00001.parquet", kind, rows)
        asked = {"settings": {}, "inputs": {}}
        write_json(folder.started_file, asked | {"fingerprint": stage, "command": "", "at": 0.0})
        made = {"counts": {}, "usage": {}, "seconds": 0.0, "parts": 1}
        write_json(folder.manifest_file, asked | made | {"stage": stage, "output": stage})


def measure(runs: str) -> None:
    """Run the stage; print seconds and the peak in MiB."""
    config = Config(stage="mix", run="bench", runs_dir=runs)
    start = time.perf_counter()
    with Job(config, command="bench/mix.py") as job:
        mix.run(config, job)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # Linux counts in KiB
    print(seconds, peak)


def main(sizes: tuple[int, ...]) -> None:
    """Print a line per size."""
    print(f"{'instructions':>12} {'rows':>8} {'rows/s':>8} {'peak MiB':>9} {'growth':>7}")
    base = None
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            make_inputs(Path(folder), size)
            ran = subprocess.run(
                [sys.executable, __file__, "--measure", folder],
                capture_output=True,
                text=True,
                check=True,
            )
        seconds, peak = map(float, ran.stdout.split()[-2:])
        base = peak if base is None else base
        rate = size * N / seconds
        print(f"{size:>12,} {size * N:>8,} {rate:>8,.0f} {peak:>9.0f} {peak - base:>+7.0f}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        measure(sys.argv[2])
    else:
        main(tuple(int(size) for size in sys.argv[1:]) or SIZES)
