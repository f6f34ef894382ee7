"""What the judge stage reads of others, what it calls its folders, and what it tells."""

import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from opencharacter.config import Config, JudgeConfig
from opencharacter.evaluation.families import family_of, refuse_headline
from opencharacter.evaluation.rubrics import Rubric, load_rubric
from opencharacter.evaluation.work import (
    Instrument,
    Work,
    checklist_work,
    pairwise_work,
    rubric_work,
)
from opencharacter.job.playing import ITEMS
from opencharacter.llm.opening import model_name
from opencharacter.records import EvalItem, Score, Transcript
from opencharacter.store.files import write_json
from opencharacter.store.rows import part_files, read_columns, read_records
from opencharacter.store.stage import StageFolder

_TEACHES = ("profiles", "rewrite", "generate")


def read_played(folder: StageFolder) -> tuple[dict[str, EvalItem], list[Transcript]]:
    """Return the items of a play stage by id, and its transcripts."""
    items = {item.id: item for item in read_records(folder.path / ITEMS, EvalItem)}
    return items, list(read_records(folder.data, Transcript))


def stage_of(judge: str) -> str:
    """Return the folder of one judge's scores, beside that of all of them."""
    return f"judge-{judge}"


def load_rubrics(judge: JudgeConfig) -> dict[Instrument, Rubric]:
    """Return what a judge is asked by, for each instrument that is used.

    Raises:
        SourceError: there are no such rubrics, or they cannot be used.
    """
    found = {Instrument.rubric: load_rubric(judge.rubrics)}
    if judge.checklist:
        found[Instrument.checklist] = load_rubric("checklist")
    if judge.against:
        found[Instrument.pairwise] = load_rubric("pairwise")
    return found


def all_work(
    played: StageFolder, judge: JudgeConfig, rubrics: Mapping[Instrument, Rubric]
) -> list[Work]:
    """Return everything that a judge is to score.

    Raises:
        ConfigError: a criterion is in no rubric, or the other run played something else.
    """
    items, transcripts = read_played(played)
    work = rubric_work(items, transcripts, rubrics[Instrument.rubric], judge.criteria)
    if judge.checklist:
        work += checklist_work(items, transcripts)
    if judge.against:
        other = StageFolder(run_dir=played.run_dir.parent / judge.against, stage="play")
        others = read_records(other.data, Transcript)
        work += pairwise_work(items, transcripts, others, against=judge.against)
    return work


def count_scores(data: Path) -> dict[str, int]:
    """Return how many answers have a score, and how many lack one for which reason."""
    reasons = Counter(reason for (reason,) in read_columns(part_files(data), ["unscored"]))
    scored = reasons.pop(None, 0)
    return {"scored": scored} | {f"unscored, {name}": n for name, n in reasons.most_common()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Who judged, and whether a headline may rest on it."""

    judges: dict[str, str]
    """Family of each, by `name@revision`."""
    teacher: str
    """Family of whoever wrote the training data; empty = this run has none."""
    candidates: dict[str, str]
    """Family of each model that was tested."""
    same_family_stated: bool
    refusal: str
    """Why there is no headline; empty = nothing stands against it."""

    @classmethod
    def of(cls, config: Config, judges: Mapping[str, JudgeConfig], played: StageFolder) -> Self:
        """Return it for a run whose transcripts are judged."""
        families = {
            model_name(judge): family_of(model_name(judge), judge.family)
            for judge in judges.values()
        }
        teacher = _teacher_of(config, played.run_dir)
        models = sorted({row[0] for row in read_columns(part_files(played.data), ["model"])})
        tested = {model: family_of(model, config.player.family) for model in models}
        others = [("the teacher's", teacher)] if teacher else []
        others += [("the tested model's own", family) for family in tested.values()]
        stated = config.judge.same_family
        return cls(
            judges=families,
            teacher=teacher,
            candidates=tested,
            same_family_stated=stated,
            refusal=refuse_headline(families, others, is_stated=stated),
        )


def _teacher_of(config: Config, run_dir: Path) -> str:
    """Return the family of the model that the run's data was written by."""
    for stage in _TEACHES:
        started = StageFolder(run_dir=run_dir, stage=stage).started()
        if started is not None:
            return family_of(started["settings"]["versions"]["model"], config.teacher.family)
    return ""


def write_bench(folder: StageFolder, bench: Bench) -> None:
    """Keep who judged beside the scores, and say what stands against a headline."""
    write_json(folder.path / "judges.json", asdict(bench))
    if bench.refusal:
        print(f"judge: {bench.refusal}", file=sys.stderr)


def say_coverage(folder: StageFolder) -> None:
    """Print mean and coverage of each judge and criterion; a mean of nothing is none.

    The facts of a checklist are told together.
    """
    found: dict[tuple[str, str], list[float | None]] = {}
    for score in read_records(folder.data, Score):
        criterion = score.criterion.partition(":")[0]
        found.setdefault((score.judge, criterion), []).append(score.value)
    for (judge, criterion), values in found.items():
        scored = [value for value in values if value is not None]
        mean = f"{sum(scored) / len(scored):.2f}" if scored else "none"
        told = f"mean {mean} of {len(scored):,} scored; {len(values) - len(scored):,} unscored"
        print(f"judge: {judge}, {criterion}: {told}", file=sys.stderr)
