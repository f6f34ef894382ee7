"""Judge transcripts: one answer and one criterion a call, scored by the labels' probabilities.

Reads    runs/<run>/play (transcripts and items), eval/rubrics; with judge.against=RUN that run's
Writes   runs/<run>/judge-<name>: Score, of one judge; runs/<run>/judge: Score, of all judges and
         of the rules that need none; verdicts also to runs/judged, which all runs share
Costs    one call of one token an answer and criterion (judge.checklist: a fact; judge.against: two
         a dialogue), none where the verdict is known already
Run      python -m opencharacter stage=judge run=main 'judge.jury=[qwen2_5_7b_instruct,endpoint]'
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from opencharacter.config import Config, JudgeConfig, Mode
from opencharacter.evaluation.compat import load_protocol
from opencharacter.evaluation.rules import rule_scores
from opencharacter.job import Job
from opencharacter.job.ahead import check_asked
from opencharacter.job.compat import check_mode, run_compat
from opencharacter.job.judging import (
    BENCH,
    KNOWN_VERDICTS,
    OTHER_JUDGES,
    Bench,
    all_work,
    are_finished,
    ask_judge,
    cards_of,
    load_rubrics,
    read_played,
    refuse_doubles,
    say_coverage,
    say_jury,
    say_no_criteria,
    say_refusal,
    seated,
    stage_of,
    versions_of,
    write_bench,
)
from opencharacter.job.kinship import say_taken_back
from opencharacter.job.opponents import say_rivals
from opencharacter.records import Score
from opencharacter.sources.rows import Tally
from opencharacter.store.rows import read_records
from opencharacter.store.stage import finished_input


def check(config: Config) -> None:
    """Check the rubrics, and that there are the judges.

    Raises:
        ConfigError: a jury has a model twice, or the rubrics lack a criterion that is named.
        ModelError: there is no such judge.
        SourceError: there are no such rubrics, or they cannot be used.
    """
    if config.suite.mode is Mode.compat:
        load_protocol(config.judge.rubrics)
    else:
        load_rubrics(config.judge)
    refuse_doubles(config.judge)
    for name, judge in config.judge.members.items():
        check_asked(config, stage_of(name), judge)


def run(config: Config, job: Job) -> None:
    """Let each judge score everything, then put all scores and those of the rules together."""
    check_mode(job.folder("play"), config.suite.mode)
    cards = cards_of(config, job.run_dir)
    judges = seated(config, cards)
    if config.suite.mode is Mode.compat:
        run_compat(judges, cards, config, job)
        return
    for name, judge in judges.items():
        _ask(name, judge, config, job)
    if are_finished(job, map(stage_of, judges)):
        _gather(judges, cards, config, job)


def _ask(name: str, judge: JudgeConfig, config: Config, job: Job) -> None:
    """Let one judge score everything, or what other processes leave of it."""
    rubrics = load_rubrics(judge)
    sources = {}
    if judge.against:
        other = Path(config.runs_dir) / judge.against
        sources[f"{judge.against}/play"] = finished_input(other, "play", run=judge.against)
    with job.stage(
        stage_of(name),
        settings=[judge],
        versions=versions_of(judge, rubrics),
        reads=["play"],
        sources=sources,
    ) as stage:
        stage.cheap = KNOWN_VERDICTS
        work = all_work(job.folder("play"), judge, rubrics)
        say_no_criteria(work, judge)
        ask_judge(stage, work, judge, rubrics, job)


def _gather(
    judges: dict[str, JudgeConfig], cards: Mapping[str, Any], config: Config, job: Job
) -> None:
    """Write the scores of all judges and of the rules as one table."""
    folders = [stage_of(name) for name in judges]
    with job.stage("judge", reads=["play", *folders]) as stage:
        stage.is_shared = True
        stage.cheap = OTHER_JUDGES
        tally = Tally()
        say_taken_back(stage.folder.path / BENCH, is_given=config.judge.same_family)
        rubrics = load_rubrics(config.judge).values()
        bench = Bench.of(config, judges, job.folder("play"), cards, rubrics)

        def scores() -> Iterator[Score]:
            write_bench(stage.folder, bench)  # before the stage counts as finished
            items, transcripts = read_played(job.folder("play"))
            for transcript in transcripts:
                for score in rule_scores(items[transcript.item_id], transcript):
                    tally.rows += 1
                    yield score
            for folder in folders:
                for score in read_records(job.folder(folder).data, Score):
                    tally.rows += 1
                    yield score

        stage.stream(Score, scores(), tally, what="Scores of all judges and rules.", unit="scores")
        write_bench(stage.folder, bench)  # also where it was finished, and other things are stated
        say_refusal(bench, job.run_dir)
        say_rivals(stage.folder, bench)
        say_coverage(stage.folder)
        say_jury(stage.folder, bench, job.folder("play"))
