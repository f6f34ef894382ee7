"""What the judge stage reads of others, what it calls its folders, and what it tells."""

import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import msgspec

from opencharacter.config import Config, JudgeConfig, Mode
from opencharacter.errors import ConfigError
from opencharacter.evaluation.card import CARDS
from opencharacter.evaluation.compat import load_protocol
from opencharacter.evaluation.families import family_of, refuse_headline
from opencharacter.evaluation.judging import Judge, judge_plan
from opencharacter.evaluation.juries import FEWEST, jury_of
from opencharacter.evaluation.work import (
    Instrument,
    Work,
    check_criteria,
    checklist_work,
    pairwise_work,
    rubric_work,
)
from opencharacter.ids import digest
from opencharacter.job import Job
from opencharacter.job.beside import require_whole
from opencharacter.job.cards import read_cards
from opencharacter.job.kept import kept_of, say_kept
from opencharacter.job.kinship import stating_command, teacher_of, unknown_families
from opencharacter.job.playing import ITEMS
from opencharacter.job.stage import OpenStage
from opencharacter.llm.opening import model_name
from opencharacter.prompts.rubrics import Rubric, load_rubric
from opencharacter.records import Control, EvalItem, Score, Transcript
from opencharacter.store.damage import damaged
from opencharacter.store.files import write_json
from opencharacter.store.rows import part_files, read_columns, read_footer, read_records
from opencharacter.store.stage import StageFolder

BENCH = "judges.json"
"""Who judged, beside their scores."""
JURY = "jury.json"
"""What several judges say together, beside their scores."""
OTHER_JUDGES = ("judge-",)
"""What may change of the table of all scores, which asks nobody: who judged."""
KNOWN_VERDICTS = ("judge.min_mass", "judge.against", "versions.pairwise", "sources.")
"""What may change of one judge's scores: what was asked before is known, and nothing is asked but
which of two answers is the better."""
_APART = (
    "so nothing is told of their agreement, and who scored which answer moves the mean; leave out "
    "of judge.jury whoever gives no verdicts, or mend why it gives none (the reasons stand behind "
    "`unscored` above), and judge again: what is known is not asked again"
)
"""What follows where judges have no common scale, and what to do."""


def read_played(folder: StageFolder) -> tuple[dict[str, EvalItem], list[Transcript]]:
    """Return the items of a play stage by id, and its transcripts.

    Raises:
        StoreError: some of them are lost.
    """
    require_whole(folder)
    items = {item.id: item for item in read_records(folder.path / ITEMS, EvalItem)}
    transcripts = list(read_records(folder.data, Transcript))
    if lost := {each.item_id for each in transcripts} - items.keys():
        raise damaged(folder.path / ITEMS, f"it lacks {len(lost):,} items that were played")
    return items, transcripts


def stage_of(judge: str) -> str:
    """Return the folder of one judge's scores, beside that of all of them."""
    return f"judge-{judge}"


def load_rubrics(judge: JudgeConfig) -> dict[Instrument, Rubric]:
    """Return what a judge is asked by, for each instrument that is used.

    Raises:
        SourceError: there are no such rubrics, or they cannot be used.
        ConfigError: they have no criterion that `judge.criteria` names.
    """
    found = {Instrument.rubric: load_rubric(judge.rubrics)}
    check_criteria(judge.criteria, found[Instrument.rubric], "judge.criteria")
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
    other = StageFolder(run_dir=played.run_dir.parent / judge.against, stage="play")
    others = list(read_records(other.data, Transcript)) if judge.against else []
    return work_of(items, transcripts, others, judge, rubrics)


def work_of(
    items: Mapping[str, EvalItem],
    transcripts: Sequence[Transcript],
    others: Sequence[Transcript],
    judge: JudgeConfig,
    rubrics: Mapping[Instrument, Rubric],
) -> list[Work]:
    """Return everything that a judge is to score of some transcripts.

    Args:
        items: By id.
        transcripts: Of these items.
        others: Of the run that they are compared with.
        judge: With what is asked.
        rubrics: From `load_rubrics`.

    Raises:
        ConfigError: as `all_work`.
    """
    work = rubric_work(items, transcripts, rubrics[Instrument.rubric], judge.criteria)
    if judge.checklist:
        work += checklist_work(items, transcripts)
    if judge.against:
        work += pairwise_work(items, transcripts, others, against=judge.against)
    return work


def versions_of(judge: JudgeConfig, rubrics: Mapping[Instrument, Rubric]) -> dict[str, str]:
    """Return what decides the scores of a judge, besides its settings."""
    versions = {str(instrument): rubric.name for instrument, rubric in rubrics.items()}
    versions["verdicts"] = "probabilities" if judge.label_probabilities else "json"
    return versions | {"model": model_name(judge)}


def asker_of(judge: JudgeConfig, rubrics: Mapping[Instrument, Rubric]) -> Judge:
    """Return who asks."""
    return Judge(
        name=model_name(judge),
        rubrics=rubrics,
        gives_probabilities=judge.label_probabilities,
        min_mass=judge.min_mass,
        retries=judge.retries,
    )


def say_no_criteria(work: Sequence[Work], judge: JudgeConfig) -> None:
    """Say that no judge is asked by the criteria that are named, where rules score all there is."""
    if judge.criteria and not any(one.instrument is Instrument.rubric for one in work):
        print(
            f"judge: judge.criteria names {', '.join(judge.criteria)}, but rules alone score what "
            "this run was asked: nothing is judged by them",
            file=sys.stderr,
        )


def ask_judge(
    stage: OpenStage,
    work: Sequence[Work],
    judge: JudgeConfig,
    rubrics: Mapping[Instrument, Rubric],
    job: Job,
) -> None:
    """Let one judge do the work of its own stage, or what other processes leave of it."""
    asker = asker_of(judge, rubrics)
    kept = kept_of(judge, job.config)
    stage.work(
        judge_plan(work, asker.judge, kept=kept),
        lambda: job.unopened(judge.model_config),
        what=f"Scores of {model_name(judge)}.",
        max_rejected=0.0,
        notes=lambda: count_scores(stage.folder.data),
    )
    say_kept(kept)


def are_finished(job: Job, stages: Iterable[str]) -> bool:
    """Tell whether all judges are done, whichever process came to the end of each.

    Asked after the last of them: while this process was at it, others may have ended the first.
    """
    return all(job.folder(stage).manifest() is not None for stage in stages)


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
    unknown: dict[str, str]
    """Of those and the teachers, the models whose family nothing says, each with what states it."""
    cards: dict[str, Any]
    """Of each judge, what stage=qualify found; a judge without one is not qualified."""
    left_out: dict[str, list[str]]
    """Judges below the bar, who sit in no jury, and what they fall short of."""
    same_family_stated: bool
    refusal: str
    """Why there is no headline; empty = nothing stands against it."""
    scales: dict[str, tuple[float, float]]
    """By criterion, what the worst and the best label are worth; of a published protocol none."""

    @classmethod
    def of(
        cls,
        config: Config,
        judges: Mapping[str, JudgeConfig],
        played: StageFolder,
        cards: Mapping[str, Any],
        rubrics: Iterable[Rubric] = (),
    ) -> Self:
        """Return it for a run whose transcripts are judged.

        Args:
            config: Of the run.
            judges: Those who judge, by name.
            played: The transcripts.
            cards: From `cards_of`, also of those who do not judge.
            rubrics: By which they judge.
        """
        names = [model_name(judge) for judge in config.judge.members.values()]
        families = {
            model_name(judge): family_of(model_name(judge), judge.family)
            for judge in judges.values()
        }
        teacher = teacher_of(config, played.run_dir)
        models = sorted({row[0] for row in read_columns(part_files(played.data), ["model"])})
        tested = {model: family_of(model, config.player.family) for model in models}
        others = [("the teacher's", teacher)] if teacher else []
        others += [("the tested model's own", family) for family in tested.values()]
        stated = config.judge.same_family
        scoring = {  # of a suite of rules none may have scored anything
            model_name(judge): families[model_name(judge)]
            for name, judge in judges.items()
            if _has_rows(played.run_dir / stage_of(name) / "data")
        }
        return cls(
            judges=families,
            teacher=teacher,
            candidates=tested,
            unknown=unknown_families(config, judges, models, played.run_dir) if scoring else {},
            cards={name: _short(cards[name]) if name in cards else None for name in names},
            left_out={name: _below(cards, name) for name in names if name not in families},
            same_family_stated=stated,
            refusal=refuse_headline(scoring, others, is_stated=stated),
            scales={
                name: (min(each.points), max(each.points))
                for rubric in rubrics
                for name, each in rubric.criteria.items()
            },
        )


def _has_rows(data: Path) -> bool:
    return any(read_footer(path).rows for path in part_files(data))


def cards_of(config: Config, run_dir: Path) -> dict[str, Any]:
    """Return the cards that count of the judges of a run, by name; see `read_cards`."""
    load = load_protocol if config.suite.mode is Mode.compat else load_rubric
    by = {load(config.judge.rubrics).name}
    return read_cards(run_dir, {model_name(m): by for m in config.judge.members.values()})


def refuse_doubles(judge: JudgeConfig) -> None:
    """Refuse a jury in which a model sits twice: its scores would count twice, as two opinions.

    Raises:
        ConfigError: with the judges that are one.
    """
    names: dict[str, str] = {}
    for member, config in judge.members.items() if judge.jury else ():
        name = model_name(config)
        if names.setdefault(name, member) != member:
            raise ConfigError(
                f"judge.jury names {name} twice, as {names[name]} and as {member}; name each model "
                "once (or tell two servers apart by revision=)"
            )


def seated(config: Config, cards: Mapping[str, Any]) -> dict[str, JudgeConfig]:
    """Return the judges that may judge: in a jury not those whose card is below the bar.

    Args:
        config: Names them.
        cards: From `cards_of`.

    Raises:
        ConfigError: none is left.
    """
    members = config.judge.members
    if len(members) < 2:
        return members
    found = {name: judge for name, judge in members.items() if not _below(cards, model_name(judge))}
    if not found:
        raise ConfigError(
            f"every judge of judge.jury is below the bar of {config.run}/qualify/{CARDS}; name "
            "others, or lower qualify.least_detected and its like"
        )
    for name in members.keys() - found.keys():
        told = "; ".join(_below(cards, model_name(members[name])))
        print(f"judge: {name} is left out of the jury: {told}", file=sys.stderr)
    return found


def _below(cards: Mapping[str, Any], name: str) -> list[str]:
    return list(cards[name]["below"]) if name in cards else []


def _short(card: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is cited of a card, with its hash."""
    shown = {name: card[name] for name in ("verdict", "calibration", "below", "few")}
    return shown | {"sha256": digest(card)}


def say_jury(folder: StageFolder, bench: Bench, played: StageFolder) -> None:
    """Keep beside the scores what several judges say together, and tell how far they agree."""
    if len(bench.judges) < 2:
        return
    rows = read_columns(part_files(played.data), ["id", "control"])
    answers = {id_ for id_, control in rows if control == Control.none}
    scores = (s for s in read_records(folder.data, Score) if s.judge in bench.judges)
    found = jury_of(scores, bench.judges, answers)
    write_json(folder.path / JURY, msgspec.to_builtins(found))
    for criterion, each in found.items():
        told = each.get("refused")
        if told is None:
            agreed = each["alpha_ordinal"]
            shown = "none" if agreed is None else f"{agreed:.2f}"
            low, high = each["jury"]["low"], each["jury"]["high"]
            told = f"alpha {shown}; without one judge {low:.2f} to {high:.2f}"
        print(f"judge: the jury, {criterion}: {told}", file=sys.stderr)
    apart = [name for name, each in found.items() if each["anchors"] < FEWEST]
    if apart:
        print(f"judge: the jury, {', '.join(apart)}: {_APART}", file=sys.stderr)


def write_bench(folder: StageFolder, bench: Bench) -> None:
    """Keep who judged beside the scores."""
    write_json(folder.path / BENCH, asdict(bench))


def say_refusal(bench: Bench, run_dir: Path) -> None:
    """Say what stands against a headline, how to state it, and whose kin nobody knows."""
    if bench.refusal:
        print(f"judge: {bench.refusal}: {stating_command(run_dir)}", file=sys.stderr)
    for model, setting in bench.unknown.items():
        print(
            f"judge: {model}: the name says no family, so whether judges are its kin is not known, "
            f"and they make no headline; set {setting} (llama, qwen, gpt, ...)",
            file=sys.stderr,
        )


def say_coverage(folder: StageFolder) -> None:
    """Print mean and coverage of each judge and criterion; a mean of nothing is none.

    It is of single scores: in a report an answer that failed counts as the lowest mark, and the
    scores of one transcript as one. The facts of a checklist are told together.
    """
    found: dict[tuple[str, str], list[float | None]] = {}
    for score in read_records(folder.data, Score):
        criterion = score.criterion.partition(":")[0]
        found.setdefault((score.judge, criterion), []).append(score.value)
    for (judge, criterion), values in found.items():
        scored = [value for value in values if value is not None]
        mean = f"{sum(scored) / len(scored):.2f}" if scored else "none"
        told = (
            f"mean {mean} of {len(scored):,} single scores; {len(values) - len(scored):,} unscored"
        )
        print(f"judge: {judge}, {criterion}: {told}", file=sys.stderr)
