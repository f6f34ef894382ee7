"""Judge transcripts: one answer and one criterion a call, scored by the labels' probabilities.

Reads    runs/<run>/play (transcripts and items), eval/rubrics
Writes   runs/<run>/judge-<model>: Score, of one judge; runs/<run>/judge: Score, of all judges and
         of the rules that need none; verdicts also to runs/judged, which all runs share
Costs    one call of one token an answer and criterion, none where the verdict is known already
Run      python -m opencharacter stage=judge run=main llm@judge=qwen2_5_72b_instruct
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from opencharacter.config import Config, JudgeConfig
from opencharacter.evaluation.judging import Judge, judge_plan, work_of
from opencharacter.evaluation.rubrics import load_rubric
from opencharacter.evaluation.rules import rule_scores
from opencharacter.job import Job
from opencharacter.job.ahead import check_asked
from opencharacter.job.judging import count_scores, juror_stage, read_played, say_coverage
from opencharacter.llm.opening import model_name
from opencharacter.records import Score
from opencharacter.sources.rows import Tally
from opencharacter.store.rows import read_records


def check(config: Config) -> None:
    """Check the rubrics, and that there is a judge.

    Raises:
        ModelError: there is no such judge.
        SourceError: there are no such rubrics, or they cannot be used.
    """
    load_rubric(config.judge.rubrics)
    check_asked(config, juror_stage(config.judge), config.judge)


def run(config: Config, job: Job) -> None:
    """Let the judge score every answer, then put its scores and those of the rules together."""
    jurors = [config.judge]
    done = [_ask(juror, config, job) for juror in jurors]
    if all(done):
        _gather([juror_stage(juror) for juror in jurors], job)


def _ask(judge: JudgeConfig, config: Config, job: Job) -> bool:
    """Let one judge score everything; False = parts of it are left to others."""
    rubric = load_rubric(judge.rubrics)
    way = "probabilities" if judge.label_probabilities else "json"
    versions = {"model": model_name(judge), "rubric": rubric.name, "verdicts": way}
    stage_name = juror_stage(judge)
    with job.stage(stage_name, settings=[judge], versions=versions, reads=["play"]) as stage:
        items, transcripts = read_played(job.folder("play"))
        work = work_of(items, transcripts, rubric, judge.criteria)
        asker = Judge(
            name=model_name(judge),
            rubric=rubric,
            gives_probabilities=judge.label_probabilities,
            min_mass=judge.min_mass,
            retries=judge.retries,
        )

        def notes() -> Mapping[str, int]:
            return count_scores(stage.folder.data)

        shared = Path(judge.cache or Path(config.runs_dir) / "judged")
        stage.work(
            judge_plan(work, asker.score, cache_dir=shared),
            lambda: job.unopened(judge.model_config),
            what=f"Scores of {model_name(judge)} by the rubrics {rubric.name}.",
            max_rejected=0.0,
            notes=notes,
        )
        return stage.is_finished


def _gather(jurors: list[str], job: Job) -> None:
    """Write the scores of all judges and of the rules as one table."""
    with job.stage("judge", reads=["play", *jurors]) as stage:
        tally = Tally()

        def scores() -> Iterator[Score]:
            items, transcripts = read_played(job.folder("play"))
            for transcript in transcripts:
                for score in rule_scores(items[transcript.item_id], transcript):
                    tally.rows += 1
                    yield score
            for juror in jurors:
                for score in read_records(job.folder(juror).data, Score):
                    tally.rows += 1
                    yield score

        stage.stream(Score, scores(), tally, what="Scores of all judges and rules.", unit="scores")
        say_coverage(stage.folder)
