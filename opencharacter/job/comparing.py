"""Finds the runs that are compared; writes the comparison."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from opencharacter.compare.compare_page import compare_markdown, compare_page, sentences
from opencharacter.compare.differences import Comparison, comparison_of
from opencharacter.compare.embedding import Embedded, embedded, most_different_first, shown_of
from opencharacter.compare.faults import paired_faults
from opencharacter.compare.favour import favour_words, favours_of
from opencharacter.compare.losses import paired_losses
from opencharacter.compare.measured import Preferred
from opencharacter.compare.preferred import kin_words, preferences_of
from opencharacter.compare.results import Results, marks_of
from opencharacter.compare.systems import System, check_alike, pairs_of
from opencharacter.config import CompareConfig
from opencharacter.errors import ConfigError
from opencharacter.job.beside import as_json
from opencharacter.job.reporting import read_results, run_folder, write_text
from opencharacter.store.files import write_json


def read_runs(names: Sequence[str], runs_dir: Path) -> list[Results]:
    """Return the results of some runs.

    Args:
        names: Of runs in `runs_dir`, or of their folders.
        runs_dir: Where runs are kept.

    Raises:
        ConfigError: there are fewer than two, a name is no run, or two are one folder.
        StoreError: one was not judged.
    """
    require_two(names)
    folders = [run_folder(name, runs_dir).resolve() for name in names]
    for at, folder in enumerate(folders):
        if (first := folders.index(folder)) != at:
            raise ConfigError(
                f"compare.runs: {names[first]} and {names[at]} are one folder, {folder}; name each "
                "run once"
            )
    last = [folder.name for folder in folders]
    labels = last if len(set(last)) == len(last) else names
    return [read_results(folder, run=label) for folder, label in zip(folders, labels, strict=True)]


def require_two(names: Sequence[str]) -> None:
    """Check that there is something to compare.

    Raises:
        ConfigError: there are fewer than two runs.
    """
    if len(names) < 2:
        raise ConfigError(
            f"compare.runs has {len(names)} runs; name at least two: 'compare.runs=[a,b]'"
        )


def write_comparison(
    folder: Path, systems: Sequence[System], runs: Sequence[Results], settings: CompareConfig
) -> Comparison:
    """Write compare.json, compare.md and compare.html, and print what it comes to.

    Args:
        folder: Where to.
        systems: The runs as numbers.
        runs: With their transcripts; empty = there are none to show.
        settings: Level, margin and what a headline needs.

    Raises:
        ConfigError: the runs cannot be compared.
    """
    _check_suites(runs)
    check_alike(systems)
    comparison = _with_losses(comparison_of(systems, settings), runs, settings)
    favours = favours_of(runs, level=settings.level)
    kin = [told for run in runs for told in kin_words(run)]
    comparison = replace(
        comparison,
        faults=paired_faults(systems, runs, level=settings.level),
        preferences=_preferred(runs, settings),
        self_preference=favours,
        cautions=[*comparison.cautions, *kin, *favour_words(favours, level=settings.level)],
    )
    shown = _shown(runs, comparison, settings.shown)
    write_text(folder / "compare.html", compare_page(comparison, shown))
    write_text(folder / "compare.md", compare_markdown(comparison))
    kept = as_json(comparison)
    for system in kept["systems"]:  # one number an item: they are in the runs themselves
        del system["cells"]
    write_json(folder / "compare.json", kept)
    print(comparison.title)
    for sentence in (*comparison.withheld, *sentences(comparison), *comparison.cautions):
        print(sentence)
    print(f"Page: {folder / 'compare.html'}")
    return comparison


def _check_suites(runs: Sequence[Results]) -> None:
    """Refuse runs of different suites, whoever judged them: they have no item to be paired by.

    Raises:
        ConfigError: they are, and share none.
    """
    suites = [{name.partition("@")[0] for name in run.suites} for run in runs]
    if not runs or set.intersection(*suites) or set.intersection(*(set(r.items) for r in runs)):
        return
    asked = ", ".join(
        f"{run.run} was asked {' and '.join(sorted(suite))}"
        for run, suite in zip(runs, suites, strict=True)
    )
    raise ConfigError(
        f"{asked}: runs are compared item by item, and these suites share none; play one of them "
        "with both models (suite=, and suite.run= where it asks a run's characters); two suites "
        "of one model stand in one report (stage=report report.runs=)"
    )


def _with_losses(
    comparison: Comparison, runs: Sequence[Results], settings: CompareConfig
) -> Comparison:
    """Return a comparison with the losses on given answers, and whose are not there."""
    named = [(run.run, run.losses) for run in runs]
    missing = [name for name, losses in named if not losses]
    if len(missing) == len(runs):
        return comparison
    told = [
        f"The loss of {name} on given answers is not measured, and that of others is: stage=loss "
        f"run={name}, with its player."
        for name in missing
    ]
    return replace(
        comparison,
        losses=paired_losses(pairs_of([each for each in named if each[1]]), level=settings.level),
        cautions=[*comparison.cautions, *told],
    )


def _preferred(runs: Sequence[Results], settings: CompareConfig) -> dict[str, list[Preferred]]:
    """Return what judges prefer, of runs that were judged beside another one."""
    found: dict[str, list[Preferred]] = {}
    for run in runs:
        found |= preferences_of(run, level=settings.level, least=settings.min_coverage)
    return found


def _shown(runs: Sequence[Results], comparison: Comparison, most: int) -> Embedded:
    listed = [one for run in runs for one in shown_of(run, marks_of(run), comparison.criteria)]
    return embedded(runs, most_different_first(listed), most=most)
