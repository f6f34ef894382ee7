"""The published protocol as a stage: each judge's calls, then scores and the published means."""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from opencharacter.config import Config, JudgeConfig, Mode
from opencharacter.errors import StoreError
from opencharacter.evaluation.compat import (
    Batch,
    Grader,
    answers_a_call,
    compat_plan,
    load_protocol,
    packs_of,
    points_of_answers,
    published_means,
    scores_of,
)
from opencharacter.job import Job
from opencharacter.job.judging import (
    OTHER_JUDGES,
    Bench,
    are_finished,
    count_scores,
    read_played,
    say_refusal,
    stage_of,
    write_bench,
)
from opencharacter.job.kept import kept_of, say_kept
from opencharacter.llm.opening import model_name
from opencharacter.records import Score
from opencharacter.sources.rows import Tally
from opencharacter.store.files import write_json
from opencharacter.store.rows import part_files, read_columns, read_records
from opencharacter.store.stage import StageFolder


def check_mode(played: StageFolder, mode: Mode) -> None:
    """Refuse to judge by other rules than a suite was played by.

    Raises:
        StoreError: the modes differ.
    """
    started = played.started() or {}
    was = started.get("settings", {}).get("suite", {}).get("mode", str(mode))
    if was != mode:
        raise StoreError(
            f"{played.path} was played with suite.mode={was}, and is to be judged with {mode}; "
            f"add suite.mode={was}, or play it again in a run of its own"
        )


def run_compat(
    judges: Mapping[str, JudgeConfig], cards: Mapping[str, Any], config: Config, job: Job
) -> None:
    """Let each judge grade up to five answers a call, then write scores and published means."""
    for name, judge in judges.items():
        _grade(name, judge, config, job)
    if are_finished(job, map(stage_of, judges)):
        _gather(judges, cards, config, job)


def _grade(name: str, judge: JudgeConfig, config: Config, job: Job) -> None:
    protocol = load_protocol(judge.rubrics)
    versions = {"model": model_name(judge), "rubric": protocol.name}
    with job.stage(stage_of(name), settings=[judge], versions=versions, reads=["play"]) as stage:
        packs = packs_of(*read_played(job.folder("play")))
        grader = Grader(name=model_name(judge), protocol=protocol, retries=judge.retries)
        kept = kept_of(judge, config)
        told = answers_a_call({len(pack.answers) for pack in packs})
        stage.work(
            compat_plan(packs, grader.grade, kept=kept),
            lambda: job.unopened(judge.model_config),
            what=f"PersonaGym's published protocol, {told}, by {model_name(judge)}.",
            max_rejected=0.0,
            notes=lambda: _count(stage.folder.data),
        )
        say_kept(kept)


def _count(data: Path) -> dict[str, int]:
    rows = list(read_columns(part_files(data), ["transcript_ids", "points"]))
    answers = sum(len(ids) for ids, _ in rows)
    lost = sum(list(points_of_answers(points, len(ids))).count(0) for ids, points in rows)
    return {"answers": answers, "without points": lost}


def _gather(
    judges: Mapping[str, JudgeConfig], cards: Mapping[str, Any], config: Config, job: Job
) -> None:
    folders = [stage_of(name) for name in judges]
    rubric = load_protocol(config.judge.rubrics).name
    with job.stage("judge", reads=["play", *folders]) as stage:
        stage.is_shared = True
        stage.cheap = OTHER_JUDGES
        tally = Tally()
        bench = Bench.of(config, judges, job.folder("play"), cards)
        batches = (b for folder in folders for b in read_records(job.folder(folder).data, Batch))
        found = published_means(batches)

        def scores() -> Iterator[Score]:  # what a report must know is there before it may be made
            write_json(stage.folder.path / "compat.json", found)
            write_bench(stage.folder, bench)
            for folder in folders:
                for batch in read_records(job.folder(folder).data, Batch):
                    for score in scores_of(batch, rubric):
                        tally.rows += 1
                        yield score

        stage.stream(
            Score, scores(), tally, what="Scores by the published protocol.", unit="scores"
        )
        write_bench(stage.folder, bench)
        say_refusal(bench, job.run_dir)
    for name, each in found["means"].items():
        told = f"{each['mean']:.2f} (std {each['std']:.2f}) over {found['personas']:,} personas"
        print(f"judge: compat, {name}: {told}", file=sys.stderr)
    counts = count_scores(job.folder("judge").data)
    print(
        f"judge: compat, {counts['scored']:,} of {found['answers']:,} answers have points",
        file=sys.stderr,
    )
