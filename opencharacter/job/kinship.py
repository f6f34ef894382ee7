"""Whose kin the judges of a run may be: families that are known, and those that nothing tells."""

import sys
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from pathlib import Path

import yaml

from opencharacter.config import Config, JudgeConfig
from opencharacter.evaluation.families import family_of, is_known
from opencharacter.job.lineage import BASE, TEACHER, made_by
from opencharacter.llm.opening import model_name
from opencharacter.store.commands import alone, placed, plain, with_word
from opencharacter.store.files import read_json
from opencharacter.store.stage import StageFolder

STATEMENT = "judge.same_family=true"
_TEACHES = ("profiles", "rewrite", "generate")
_PACKAGE = Path(__file__).parents[1]
_CONF = (_PACKAGE / "conf", _PACKAGE.parent / "conf")  # packaged, and of a checkout


def teacher_of(config: Config, run_dir: Path) -> str:
    """Return the family of whoever wrote the data that a run, or its model, was made of.

    Empty = the run has no data, and of the data of its model nobody states a family.
    """
    if own := _teachers(run_dir):
        return family_of(own[0], config.teacher.family)
    return config.teacher.family.lower() if TEACHER in made_by(run_dir).values() else ""


def unknown_families(
    config: Config, judges: Mapping[str, JudgeConfig], tested: Collection[str], run_dir: Path
) -> dict[str, str]:
    """Return the models whose family neither their name nor anybody says, and what states it.

    What is trained here is of the family of its base.

    Args:
        config: Of the run.
        judges: Those who judge, by name.
        tested: Models that played, `name@revision`.
        run_dir: Its folder.

    Raises:
        StoreError: a file of the run that trained the model is damaged.
    """
    found = {
        model_name(judge): juror_setting(name, judge) if config.judge.jury else "judge.family="
        for name, judge in judges.items()
        if not is_known(model_name(judge), judge.family)
    }
    made = made_by(run_dir)
    bases = [model for model, whose in made.items() if whose == BASE]
    if not any(map(is_known, bases)):
        of_none = [model for model in tested if not is_known(model, config.player.family)]
        found |= dict.fromkeys(of_none, "player.family=")
    teachers = [model for model, whose in made.items() if whose == TEACHER]
    for model in (*_teachers(run_dir), *teachers):
        if not is_known(model, config.teacher.family):
            found[model] = "teacher.family="
    return found


def juror_setting(name: str, judge: JudgeConfig) -> str:
    """Return what states the family of one of a jury: its file of conf/llm, or the command.

    Of a juror that the command does not give itself, the command cannot set its parts.

    Args:
        name: Of the juror.
        judge: What was made of it.
    """
    files = [conf / "llm" / f"{name}.yaml" for conf in _CONF]
    texts = [file.read_text(encoding="utf-8") for file in files if file.is_file()]
    is_file = any((yaml.safe_load(text) or {}).get("model") == judge.model for text in texts)
    return f"'family:' in conf/llm/{name}.yaml" if is_file else f"judge.jurors.{name}.family="


def _teachers(run_dir: Path) -> list[str]:
    """Return the model that the run's own data was written by, the first stage's first."""
    started = [StageFolder(run_dir=run_dir, stage=stage).started() for stage in _TEACHES]
    return [each["settings"]["versions"]["model"] for each in started if each is not None]


def stating_command(run_dir: Path) -> str:
    """Return the command that states kinship: that of the judging, with the statement."""
    started = StageFolder(run_dir=run_dir, stage="judge").started() or {}
    typed = started.get("command") or plain(run_dir, "judge")
    return with_word(placed(alone(typed, "judge"), run_dir), STATEMENT)


def say_stating(
    stage: str, run_dirs: Mapping[Path, bool], withheld: Iterable[str], *, is_given: bool
) -> None:
    """Tell the commands that state kinship, where that would help, or was tried where it does not.

    Args:
        stage: That tells.
        run_dirs: Folders of the runs, and whether it is stated of each.
        withheld: Why there is no headline.
        is_given: Whether this command states it.
    """
    if not is_given and not any(STATEMENT in reason for reason in withheld):
        return
    for run_dir, is_stated in run_dirs.items():
        if is_stated:
            continue
        tried = f"{STATEMENT} states nothing at stage={stage}; " if is_given else ""
        told = f"kinship is stated with the judging, which asks nobody: {stating_command(run_dir)}"
        print(f"{stage}: {tried}{told}", file=sys.stderr)


def say_taken_back(bench: Path, *, is_given: bool) -> None:
    """Say that the statement of an earlier judging does not stand, for it is not given again.

    Args:
        bench: File of who judged, of before.
        is_given: Whether this command states it.
    """
    with suppress(ValueError):  # damaged: it is written anew
        before = read_json(bench)
        if isinstance(before, dict) and before.get("same_family_stated") and not is_given:
            told = f"{STATEMENT} was stated before, and is taken back: give it again to keep it"
            print(f"judge: {told}", file=sys.stderr)
