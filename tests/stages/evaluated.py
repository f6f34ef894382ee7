"""A run folder as play and judge leave it, written by the stages' own writers."""

from dataclasses import asdict

from opencharacter.compare.results import RULE
from opencharacter.config import Config
from opencharacter.evaluation.card import CARDS
from opencharacter.job import Job
from opencharacter.job.judging import Bench, write_bench
from opencharacter.job.playing import ITEMS, SUITE, Played
from opencharacter.records import EvalItem, Score, Transcript
from opencharacter.sources.rows import Tally
from opencharacter.store.files import write_json
from opencharacter.store.rows import write_records


def write_run(runs_dir, results, *, missing=(), suite="persona_gym@1"):
    """Write what was played and judged to the folder of a run."""
    config = Config(stage="judge", run=results.run, runs_dir=str(runs_dir))
    with Job(config, command="python -m opencharacter stage=judge") as job:
        for name, reads, kind, rows in (
            ("play", [], Transcript, results.transcripts),
            ("judge", ["play"], Score, results.scores),
        ):
            with job.stage(name, reads=reads) as stage:
                stage.stream(kind, rows, Tally(rows=len(rows)), what="Tests.", unit="rows")
        play = job.folder("play").path
        path = play / ITEMS / "part-00000-of-00001.parquet"
        write_records(path, EvalItem, results.items.values())
        played = Played(
            suite=suite,
            items=len(results.items),
            personas=len({item.persona_id for item in results.items.values()}),
            personas_played=len({item.persona_id for item in results.items.values()}),
            damaged={},
            missing=tuple(missing),
            about={},
        )
        write_json(play / SUITE, asdict(played))
        write_bench(job.folder("judge"), bench(results))


def bench(results, **given):
    """Return who judged a run, all of families of their own."""
    judges = {score.judge for score in results.scores} - {RULE}
    return Bench(
        **{
            "judges": {judge: judge for judge in judges},
            "teacher": "",
            "candidates": {},
            "unknown": {},
            "cards": {},
            "left_out": {},
            "same_family_stated": False,
            "refusal": "",
            "scales": {},
            **given,
        }
    )


def write_card(runs_dir, run, card):
    """Write a judge's card to the folder of a finished qualify stage."""
    config = Config(stage="qualify", run=run, runs_dir=str(runs_dir))
    with Job(config, command="python -m opencharacter stage=qualify") as job:
        with job.stage("qualify", reads=["play"]) as stage:
            stage.stream(Score, [], Tally(), what="Tests.", unit="rows")
        write_json(job.folder("qualify").path / CARDS, {card["judge"]: card})
