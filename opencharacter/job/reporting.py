"""Reads what was played and judged in a run; writes reports of it."""

import sys
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

from opencharacter.compare.embedding import embedded, shown_of
from opencharacter.compare.measured import Report
from opencharacter.compare.preferred import PREFERENCE
from opencharacter.compare.recorded import COLUMNS, about_of, metrics_of, rows_of
from opencharacter.compare.report_page import headline_words, report_markdown, report_page
from opencharacter.compare.reporting import report_of
from opencharacter.compare.results import Results, Scale, marks_of
from opencharacter.compare.systems import systems_of
from opencharacter.config import Config, Mode, ReportConfig, Tracking, data_settings
from opencharacter.errors import ConfigError, StoreError
from opencharacter.evaluation.families import family_of, is_known
from opencharacter.evaluation.labels import read_labels
from opencharacter.ids import digest
from opencharacter.job.beside import (
    JuryLine,
    Published,
    as_json,
    read_beside,
    require_beside,
    require_whole,
)
from opencharacter.job.cards import read_cards, rubrics_of
from opencharacter.job.judging import BENCH, JURY, Bench, read_played
from opencharacter.job.lineage import BASE, Lineage, lineage_of
from opencharacter.job.losses import loss_facts, read_losses
from opencharacter.job.opponents import beside_of, opponents_of, rival_of
from opencharacter.job.playing import SUITE, Played
from opencharacter.prompts.rubrics import load_rubric
from opencharacter.records import Score
from opencharacter.store.commands import alone, placed
from opencharacter.store.files import read_json, whole_file, write_json
from opencharacter.store.rows import read_records
from opencharacter.store.stage import StageFolder, finished_input
from opencharacter.tracking import open_tracker

_OF_A_RUN = {"in_domain", "out_of_domain", "profile_facts", "multi_turn"}
"""Suites that ask the characters of a run."""


def read_results(run_dir: Path, *, run: str, typed: str = "") -> Results:
    """Return the transcripts and scores of a run.

    Args:
        run_dir: Its folder.
        run: Its name.
        typed: The command, if it is one of that run.

    Raises:
        StoreError: it has no finished `judge`, what that was made from has changed since, or a file
            is damaged.
    """
    finished_input(run_dir, "judge", run=run, typed=typed)
    play, judge = (StageFolder(run_dir=run_dir, stage=stage) for stage in ("play", "judge"))
    require_whole(judge)
    items, transcripts = read_played(play)
    lineage = lineage_of(run_dir)
    suite = require_beside(play.path / SUITE, Played)
    bench = require_beside(judge.path / BENCH, Bench, again=_again(judge))
    scores = list(read_records(judge.data, Score))
    beside = beside_of(judge)
    pairs = {other: f"{run} over {other}" for other in beside.values()}
    losses = read_losses(run_dir, {transcript.model for transcript in transcripts})
    cards = read_cards(run_dir, rubrics_of(scores))
    return Results(
        run=run,
        items=items,
        transcripts=transcripts,
        scores=scores,
        suites=[suite.suite],
        about=suite.about,
        incomplete=() if _is_draw(suite) else suite.missing,
        draws=suite.missing if _is_draw(suite) else (),
        cards=cards,
        card_hashes={name: digest(card) for name, card in cards.items()},
        unseated=bench.left_out,
        jury=_jury(judge, bench, run=run),
        published=_published(play, judge),
        families=bench.judges,
        candidates=_candidates(bench, lineage),
        related=_related(bench, lineage),
        unknown=bench.unknown,
        same_family_stated=bench.same_family_stated,
        scales={name: Scale(*ends) for name, ends in bench.scales.items()},
        against={
            (score.judge, score.transcript_id): pairs[beside[score.judge]]
            for score in scores
            if score.criterion == PREFERENCE and score.judge in beside
        },
        opponents=opponents_of(run_dir.parent / other for other in pairs),
        rivals={pair: rival_of(run_dir.parent / other) for other, pair in pairs.items()},
        losses=losses,
        facts=lineage.facts | loss_facts(play, suite.suite, losses),
    )


def _again(judge: StageFolder) -> str:
    """Return how to have made anew what a judging writes beside its scores."""
    typed = alone((judge.started() or {"command": ""})["command"], "judge")
    return f"judge again with: {placed(typed, judge.run_dir)} (which asks nobody)"


def _jury(judge: StageFolder, bench: Bench, *, run: str) -> dict[str, JuryLine]:
    """Return what several judges say together; nothing of a single one.

    Raises:
        StoreError: it is not there, for the judging was killed after its last score.
    """
    found = read_beside(judge.path / JURY, dict[str, JuryLine], again=_again(judge))
    if found is None and len(bench.judges) > 1:
        raise StoreError(
            f"{judge.path / JURY} is missing: the judging of run {run} was ended after its last "
            f"score; {_again(judge)}"
        )
    return found or {}


def _published(play: StageFolder, judge: StageFolder) -> Published | dict[str, Any]:
    """Return the means by a published protocol; nothing where it was judged by ours.

    Raises:
        StoreError: they are not there, though it was played to be judged so.
    """
    path = judge.path / "compat.json"
    settings = (play.started() or {"settings": {}})["settings"]
    if settings.get("suite", {}).get("mode") == Mode.compat:
        return require_beside(path, Published, again=_again(judge))
    return read_beside(path, Published, again=_again(judge)) or {}


def with_labels(results: Results, config: Config) -> Results:
    """Return results with what people have said of a part of the answers: `qualify.labels`.

    Raises:
        ConfigError: the answers were judged by another rubric than `judge.rubrics`.
        SourceError: the labels cannot be read, or are of other answers.
    """
    if not config.qualify.labels:
        return results
    rubric = load_rubric(config.judge.rubrics)
    criteria = rubric.criteria
    known = {
        f"{score.transcript_id}/{score.criterion}/{score.turn}": score
        for score in results.scores
        if score.criterion in criteria
    }
    others = {score.rubric for score in known.values()} - {rubric.name}
    if others:
        raise ConfigError(
            f"these answers were judged by {', '.join(sorted(others))}, and judge.rubrics is "
            f"{rubric.name}: name the rubrics that they were judged by, which say what labels mean"
        )
    scales = {key: criteria[score.criterion].worth for key, score in known.items()}
    said: dict[tuple[str, str, int | None], list[float]] = defaultdict(list)
    for labels in read_labels(config.qualify.labels, scales).values():
        for key, points in labels.items():
            score = known[key]
            said[score.transcript_id, score.criterion, score.turn].append(points)
    return replace(results, human={place: fmean(each) for place, each in said.items()})


def run_folder(name: str, runs_dir: Path) -> Path:
    """Return the folder of a run by its name in `runs_dir`, or by its path.

    Raises:
        ConfigError: there is none.
    """
    for path in (runs_dir / name, Path(name).expanduser()):
        if path.is_dir():
            return path
    raise ConfigError(
        f"there is no run '{name}': neither {runs_dir / name} nor {name} is a folder; check "
        "its name and runs_dir"
    )


def labels_of(folders: Sequence[Path]) -> list[str]:
    """Return what readers know runs by: the name, or, where several have the same, the path."""
    counts = Counter(folder.name for folder in folders)
    return [str(each) if counts[each.name] > 1 else each.name for each in folders]


def write_report(folder: Path, results: Results, settings: ReportConfig) -> Report:
    """Write report.json, report.md and report.html, and print the headline."""
    report = report_of(results, settings)
    shown = shown_of(results, marks_of(results), report.criteria)
    page = report_page(report, results, embedded([results], shown, most=settings.shown))
    _tell_what_is_lost(folder / "report.json", report)
    write_text(folder / "report.html", page)
    write_text(folder / "report.md", report_markdown(report, results))
    kept = as_json(report)
    if report.withheld:
        kept |= dict.fromkeys(("headline", "judged", "gap"))
    write_json(folder / "report.json", kept)
    print(report.title)
    for sentence in (*headline_words(report), *report.cautions):
        print(sentence)
    print(f"Page: {folder / 'report.html'}")
    return report


def _tell_what_is_lost(path: Path, report: Report) -> None:
    """Say on stderr what the report that is written over had and the new one has not."""
    try:
        old = read_json(path)
    except (OSError, ValueError):  # it is written anew
        return
    if not isinstance(old, dict):
        return
    lost = []
    if old.get("corrected") and report.corrected is None:
        lost.append("people's labels (qualify.labels=)")
    more = int(old.get("transcripts") or 0) - report.transcripts
    if more > 0:
        suites = sorted(set(old.get("suites") or ()) - set(report.suites))
        of = f" of {', '.join(suites)}" if suites else ""
        lost.append(f"{more:,} transcripts more{of} (report.runs=)")
    if lost:
        print(f"{path} is written over; the one before had {' and '.join(lost)}", file=sys.stderr)


def track_report(report: Report, results: Results, config: Config, folder: StageFolder) -> None:
    """Log the report to W&B, where that is asked for."""
    if config.tracking is Tracking.none:
        return
    system = systems_of([results], config.report.criteria)[0]
    about = about_of(system)
    fingerprint = digest("report", about, data_settings(config.report))
    tracker = open_tracker(
        config.tracking,
        project=config.project,
        run=config.run,
        stage="report",
        run_dir=folder.run_dir,
        started={
            "settings": {"report": data_settings(config.report), "system": about},
            "fingerprint": fingerprint,
            "at": time.time(),
        },
    )
    try:
        tracker.report(
            metrics_of(report), done=report.transcripts, columns=COLUMNS, rows=rows_of(system)
        )
    finally:
        tracker.close()


def write_text(path: Path, text: str) -> None:
    """Write a text file, whole or not at all."""
    with whole_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8", errors="replace")


def _candidates(bench: Bench, lineage: Lineage) -> dict[str, str]:
    """Return the family of each tested model: stated, or of its name, or of its base."""
    bases = [family_of(model) for model, whose in lineage.made_by.items() if whose == BASE]
    return {
        model: bases[0] if bases and family == family_of(model) and not is_known(model) else family
        for model, family in bench.candidates.items()
    }


def _related(bench: Bench, lineage: Lineage) -> dict[str, str]:
    """Return the families that no judge should be of, each with whose it is."""
    related = {family_of(model): whose for model, whose in lineage.made_by.items()}
    if bench.teacher:
        related[bench.teacher] = "the teacher's"
    return related | dict.fromkeys(bench.candidates.values(), "the tested model's own")


def _is_draw(suite: Played) -> bool:
    """Tell whether what is missing is a draw from the characters of a run.

    A draw from a benchmark is a part of it; one from the characters of a run is a sample, which the
    intervals account for.
    """
    return suite.suite.partition("@")[0] in _OF_A_RUN and not suite.damaged
