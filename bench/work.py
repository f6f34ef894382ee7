"""What the benchmarks have in common: records to work on, and the whole of `stage=generate`."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from opencharacter.config import (
    Config,
    GenerateConfig,
    JudgeConfig,
    ModelConfig,
    SamplingConfig,
    SynthConfig,
)
from opencharacter.evaluation.work import Instrument, rubric_work
from opencharacter.job import Job
from opencharacter.job.judging import asker_of, load_rubrics
from opencharacter.llm.requests import Model, Request
from opencharacter.prompts.character import render_prompt
from opencharacter.prompts.profile import render_profile
from opencharacter.prompts.rubrics import Rubric
from opencharacter.records import (
    Call,
    Character,
    Control,
    Domain,
    EvalItem,
    Instruction,
    Message,
    Role,
    Split,
    Transcript,
    Usage,
)
from opencharacter.stages import generate
from opencharacter.store.files import write_json
from opencharacter.store.rows import read_footer, write_records
from opencharacter.store.stage import StageFolder, output_fingerprint
from opencharacter.synth.responses import Task, meetings

SEED = 0
CALL = Call(model="m@1", prompt_sha256="0", sampling="{}", seed=0, engine="none")


class Work(NamedTuple):
    """The dialogues of a comparison, as the records that the stage reads."""

    characters: list[Character]
    instructions: list[Instruction]

    def tasks(self) -> list[Task]:
        """Return who answers what, in the stage's order."""
        return meetings(self.characters, self.instructions, SynthConfig(n_characters=1), seed=SEED)


class OpenJob(Job):
    """A job whose model is open already."""

    def __init__(self, config: Config, model: Model) -> None:
        """Take the model; whoever opened it closes it."""
        super().__init__(config, command="bench")
        self._ready = model

    def model(self, config: ModelConfig) -> Model:
        """Return the open model."""
        return self._ready


def make_work(dialogues: int, turns: int, *, per_character: int = 4, facts: int = 8) -> Work:
    """Return instructions of so many turns, and characters who answer some each.

    Args:
        dialogues: Instructions.
        turns: The user's, in each.
        per_character: Instructions for one character.
        facts: Sentences in each of four fields of a profile, of about 30 characters.
    """
    instructions = [
        Instruction(
            source="bench",
            messages=tuple(make_question(number, turn) for turn in range(turns)),
            licence="none",
            origin=str(number),
        )
        for number in range(dialogues)
    ]
    people = range(max(1, dialogues // per_character))
    return Work([make_character(number, facts) for number in people], instructions)


def make_question(number: int, turn: int) -> Message:
    """Return what the user says in a turn of a dialogue."""
    topics = ("bread", "the sea", "your work", "winter", "a lost key", "trains", "old friends")
    topic = topics[(number + turn) % len(topics)]
    return Message(
        role=Role.user, content=f"Letter {number}, part {turn}: what do you say about {topic}?"
    )


def make_character(number: int, facts: int) -> Character:
    """Return a character with a system prompt of the usual length."""
    persona = f"A baker with the number {number} who collects old maps."
    known = " ".join(f"Fact {fact} of person {number} is known." for fact in range(facts))
    fields: dict[str, Any] = {
        "name": f"Name {number}",
        "age": 30,
        "gender": "female",
        "race": "not stated",
        "birth_place": "Oslo, Norway",
        "appearance": known,
        "experience": f"{persona} {known}",
        "personality": known,
    }
    return Character(
        persona_id=f"persona-{number:024x}",
        persona=persona,
        split=Split.train,
        cluster=str(number),
        licence="none",
        **fields,
        profile=render_profile(fields),
        call=CALL,
        usage=Usage(),
    )


class Played(NamedTuple):
    """What a play stage leaves: the items, and the answers to them."""

    items: list[EvalItem]
    transcripts: list[Transcript]


def make_played(characters: int, questions: int, *, samples: int = 2, facts: int = 12) -> Played:
    """Return questions to characters, each answered some times; all may be judged.

    Args:
        characters: How many are asked.
        questions: To each, the same to all.
        samples: Answers of each question, of 125 words.
        facts: Of each character, a sentence of 13 words each.
    """
    items = [
        _make_item(number, question, facts)
        for number in range(characters)
        for question in range(questions)
    ]
    transcripts = [
        _make_transcript(item, sample, f"{at}/{sample}")
        for at, item in enumerate(items)
        for sample in range(samples)
    ]
    return Played(items, transcripts)


def verdict_requests(
    played: Played, settings: JudgeConfig, rubric: Rubric | None = None
) -> list[Request]:
    """Return what `stage=judge` asks about each answer by each criterion, in its order.

    Args:
        played: What is judged.
        settings: Of the judge, with criteria.
        rubric: In place of the one that the settings name.
    """
    rubrics = load_rubrics(settings) | ({Instrument.rubric: rubric} if rubric else {})
    asker = asker_of(settings, rubrics)
    items = {item.id: item for item in played.items}
    own = rubrics[Instrument.rubric]
    work = rubric_work(items, played.transcripts, own, settings.criteria)
    return [next(asker.judge(each)) for each in work]


def _make_item(number: int, question: int, facts: int) -> EvalItem:
    persona = f"A baker with the number {number} who collects old maps."
    return EvalItem(
        suite="bench@1",
        persona_id=f"persona-{number:024x}",
        system=render_prompt(persona),
        persona=persona,
        facts=tuple(
            f"Fact {n}: person {number} has known {n} of it for years." for n in range(facts)
        ),
        questions=(make_question(question, 0).content,),
        task="bench",
        dimensions=(),
        domain=Domain.unknown,
    )


def _make_transcript(item: EvalItem, sample: int, name: str) -> Transcript:
    told = "of the answer about old maps, and no more is said"
    said = " ".join(f"This is sentence {n} of {name} {told}." for n in range(8))
    return Transcript(
        item_id=item.id,
        persona_id=item.persona_id,
        suite=item.suite,
        task=item.task,
        domain=item.domain,
        model="candidate@1",
        control=Control.none,
        sample=sample,
        messages=(
            Message(role=Role.system, content=item.system),
            Message(role=Role.user, content=item.questions[0]),
            Message(role=Role.assistant, content=said),
        ),
        failure=None,
        turn_failures=("",),
        finish_reasons=("stop",),
        call=CALL,
        usage=Usage(),
    )


class StageRun(NamedTuple):
    """A run of `stage=generate`."""

    seconds: float
    manifest: dict[str, Any]


def run_generate(model: Model, work: Work, sampling: SamplingConfig, runs: Path) -> StageRun:
    """Run `stage=generate` as the command line does, from records on disk to its manifest."""
    config = Config(
        stage="generate",
        run="bench",
        runs_dir=str(runs),
        seed=SEED,
        generate=GenerateConfig(sampling=sampling, retries=0, max_rejected=1.0),
        synth=SynthConfig(n_characters=1),
    )
    make_input(runs / "bench", "profiles", Character, work.characters)
    make_input(runs / "bench", "instructions", Instruction, work.instructions)
    with OpenJob(config, model) as job:
        start = time.perf_counter()
        generate.run(config, job)
        seconds = time.perf_counter() - start
        return StageRun(seconds, job.folder("generate").manifest() or {})


def make_input(run_dir: Path, stage: str, kind: type, rows: Sequence[Any]) -> None:
    """Write a finished stage."""
    folder = StageFolder(run_dir=run_dir, stage=stage)
    part = folder.data / "part-00000-of-00001.parquet"
    counts = {"out": write_records(part, kind, rows)}
    asked = {"settings": {}, "inputs": {}}
    write_json(folder.started_file, asked | {"fingerprint": stage, "command": "", "at": 0.0})
    made = {"counts": counts, "usage": {}, "seconds": 0.0, "parts": 1, "fingerprint": stage}
    output = output_fingerprint(stage, read_footer(part).digest)
    write_json(folder.manifest_file, asked | made | {"stage": stage, "output": output})
