"""Qualify a judge: faults planted in answers by rule, and changes that are none.

Reads    runs/<run>/play, eval/rubrics
Writes   runs/<run>/qualify-<name>: Score, of one judge; runs/<run>/qualify: Score, of all judges;
         judge_card.json and judge_card.md: what each finds, with intervals; also of judges that
         other commands of the run have qualified
         labels.html with qualify.page=N: a page on which people label answers, blind
Costs    about nine calls of one token a transcript and judge (qualify.n transcripts)
Run      python -m opencharacter stage=qualify run=main llm@judge=qwen2_5_72b_instruct
"""

from collections.abc import Iterator

from opencharacter.config import Config, JudgeConfig
from opencharacter.evaluation.labels import labels_hash
from opencharacter.evaluation.planting import plant
from opencharacter.evaluation.work import Instrument
from opencharacter.job import Job
from opencharacter.job.ahead import check_asked
from opencharacter.job.judging import (
    are_finished,
    ask_judge,
    read_played,
    refuse_doubles,
    versions_of,
)
from opencharacter.job.qualifying import (
    card_of,
    check_judged,
    kept_card,
    kept_folders,
    labelled_work,
    say_cards,
    say_labels,
    stage_of,
    write_cards,
    write_page,
)
from opencharacter.prompts.rubrics import load_rubric
from opencharacter.records import Score
from opencharacter.sources.rows import Tally
from opencharacter.store.rows import read_records


def check(config: Config) -> None:
    """Check the rubrics, and that there are the judges.

    Raises:
        ConfigError: a jury has a model twice.
        ModelError: there is no such judge.
        SourceError: there are no such rubrics, or they cannot be used.
    """
    load_rubric(config.judge.rubrics)
    refuse_doubles(config.judge)
    for name, judge in config.judge.members.items():
        check_asked(config, stage_of(name), judge)


def run(config: Config, job: Job) -> None:
    """Plant faults, let each judge score them, and write its card."""
    judges = config.judge.members
    for name, judge in judges.items():
        _ask(name, judge, config, job)
    if are_finished(job, map(stage_of, judges)):
        _gather(judges, config, job)


def _ask(name: str, judge: JudgeConfig, config: Config, job: Job) -> None:
    rubrics = {
        Instrument.rubric: load_rubric(judge.rubrics),
        Instrument.pairwise: load_rubric("pairwise"),
    }
    versions = versions_of(judge, rubrics) | {"n": str(config.qualify.n)}
    versions |= {"labels": labels_hash(config.qualify.labels)}
    with job.stage(stage_of(name), settings=[judge], versions=versions, reads=["play"]) as stage:
        stage.cheap = ("versions.labels", "judge.min_mass")  # what was asked before is known
        items, transcripts = read_played(job.folder("play"))
        rubric = rubrics[Instrument.rubric]
        check_judged(config, items, rubric)
        planted = plant(items, transcripts, rubric, n=config.qualify.n)
        work = labelled_work(config, items, transcripts, rubric)
        ask_judge(stage, [*work, *(one.work for one in planted)], judge, rubrics, job)


def _gather(judges: dict[str, JudgeConfig], config: Config, job: Job) -> None:
    """Write all scores as one table, and the cards: also of judges that were qualified before."""
    asked, kept = list(map(stage_of, judges)), kept_folders(job.run_dir, judges)
    folders = sorted([*asked, *kept])
    with job.stage("qualify", settings=[config.qualify], reads=folders) as stage:
        stage.is_shared = True
        stage.cheap = ("qualify-", "qualify.")  # who judges, labels and bars: nobody is asked
        tally = Tally()
        cards = [card_of(job.folder(folder), config) for folder in asked]
        cards += [kept_card(job.folder(folder), config) for folder in kept]
        cards.sort(key=lambda card: card.judge)

        def scores() -> Iterator[Score]:
            write_cards(stage.folder, cards)  # before the stage counts as finished
            for folder in folders:
                for score in read_records(job.folder(folder).data, Score):
                    tally.rows += 1
                    yield score

        stage.stream(Score, scores(), tally, what="Scores of planted faults.", unit="scores")
        write_page(stage.folder, config, job.folder("play"))
        write_cards(stage.folder, cards)  # also where it was finished, and a file has gone
        say_labels(config, job.folder("play"))
        say_cards(cards)
