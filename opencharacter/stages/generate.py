"""OpenCharacter-G: characters answer instructions, turn by turn.

Reads    runs/<run>/profiles, runs/<run>/instructions
Writes   runs/<run>/generate: Response
Costs    one call a user turn and character: about 500 prompt tokens (mostly cached) and 350 output;
         with generate.fact_check one more a dialogue
Run      python -m opencharacter stage=generate run=main llm@teacher=llama3_70b_instruct
"""

from opencharacter.config import Config
from opencharacter.job import Job
from opencharacter.job.ahead import check_teacher
from opencharacter.llm.opening import model_name
from opencharacter.llm.requests import Session
from opencharacter.prompts.character import RENDER_VERSION
from opencharacter.records import Character, Instruction, Response
from opencharacter.store.rows import read_records
from opencharacter.synth.checking import rejecting
from opencharacter.synth.fact_check import fact_check_version, fact_checked
from opencharacter.synth.generate import answer_in_turns
from opencharacter.synth.responses import (
    Asking,
    Task,
    count_marks,
    meetings,
    response_plan,
    who_answers,
)


def check(config: Config) -> None:
    """Check the names of the checks that reject, and that there is a teacher.

    Raises:
        ConfigError: there is no such check.
        ModelError: there is no such teacher.
    """
    rejecting(config.generate.reject, section="generate")
    check_teacher(config, "generate")


def run(config: Config, job: Job) -> None:
    """Write a dialogue for every character that meets an instruction."""
    settings = config.generate
    reject = rejecting(settings.reject, section="generate")
    versions = {"model": model_name(config.teacher), "prompt": RENDER_VERSION}
    versions |= fact_check_version(settings)
    with job.stage(
        "generate",
        settings=[settings, config.teacher],
        versions=versions | who_answers(config.synth),
        reads=["profiles", "instructions"],
    ) as stage:
        tasks = meetings(
            read_records(job.folder("profiles").data, Character),
            list(read_records(job.folder("instructions").data, Instruction)),
            config.synth,
            seed=config.seed,
        )

        def start(task: Task) -> Session[Response]:
            model = job.model(config.teacher)
            asking = Asking(stage="generate", seed=config.seed, settings=settings, model=model)
            asker = asking.asker(task.key, task.key)
            dialogue = answer_in_turns(
                task.character, task.instruction, asker, draw=task.draw, reject=reject
            )
            return fact_checked(dialogue, task.character, asker, settings)

        stage.work(
            response_plan(tasks, start),
            lambda: job.model(config.teacher),
            what="Responses (G): instructions answered in character, turn by turn.",
            max_rejected=settings.max_rejected,
            notes=lambda: count_marks(stage.folder.data),
        )
