"""OpenCharacter-R: reference answers rewritten in a character's voice, a dialogue in one call.

Reads    runs/<run>/profiles, runs/<run>/instructions (those with a reference for every turn)
Writes   runs/<run>/rewrite: Response
Costs    one call an instruction and character; output is the dialogue as JSON; with
         rewrite.fact_check one more
Run      python -m opencharacter stage=rewrite run=main llm@teacher=llama3_70b_instruct
"""

from opencharacter.config import Config
from opencharacter.job import Job
from opencharacter.job.ahead import check_teacher
from opencharacter.llm.opening import model_name
from opencharacter.llm.requests import Session
from opencharacter.prompts.rewrite import REWRITE_VERSION
from opencharacter.records import Character, Instruction, Response
from opencharacter.store.rows import read_records
from opencharacter.synth.checking import rejecting
from opencharacter.synth.fact_check import fact_check_version, fact_checked
from opencharacter.synth.responses import (
    Asking,
    Task,
    count_marks,
    meetings,
    response_plan,
    who_answers,
)
from opencharacter.synth.rewrite import rewrite_dialogue


def check(config: Config) -> None:
    """Check the names of the checks that reject, and that there is a teacher.

    Raises:
        ConfigError: there is no such check.
        ModelError: there is no such teacher.
    """
    rejecting(config.rewrite.reject, section="rewrite")
    check_teacher(config, "rewrite")


def run(config: Config, job: Job) -> None:
    """Write a rewritten dialogue for every character that meets an answered instruction."""
    settings = config.rewrite
    reject = rejecting(settings.reject, section="rewrite")
    versions = {"model": model_name(config.teacher), "prompt": REWRITE_VERSION}
    versions |= fact_check_version(settings)
    with job.stage(
        "rewrite",
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
        answered = [task for task in tasks if task.instruction.is_answered]

        def start(task: Task) -> Session[Response]:
            model = job.model(config.teacher)
            asking = Asking(stage="rewrite", seed=config.seed, settings=settings, model=model)
            asker = asking.asker(task.key, task.key)
            dialogue = rewrite_dialogue(
                task.character,
                task.instruction,
                asker,
                draw=task.draw,
                min_kept=settings.min_kept,
                reject=reject,
            )
            return fact_checked(dialogue, task.character, asker, settings)

        stage.work(
            response_plan(answered, start),
            lambda: job.model(config.teacher),
            what="Responses (R): reference answers rewritten in the character's voice.",
            max_rejected=settings.max_rejected,
            notes=lambda: {
                "left to generate, without reference answers": len(tasks) - len(answered),
                **count_marks(stage.folder.data),
            },
        )
