"""Which of several runs plays its characters better, and by how much: paired, with intervals.

Reads    play and judge of each run in compare.runs; with compare.source=wandb what stage=report
         logged of them (numbers only: the page then has no transcripts)
Writes   runs/<run>/compare: compare.html, compare.md, compare.json
Costs    seconds; no model
Run      python -m opencharacter stage=compare 'compare.runs=[base,mine]'
"""

from pathlib import Path

from opencharacter.compare.recorded import system_of
from opencharacter.compare.systems import systems_of
from opencharacter.config import CompareSource, Config
from opencharacter.job import Job
from opencharacter.job.comparing import read_runs, require_two, write_comparison
from opencharacter.job.kinship import say_stating
from opencharacter.job.reporting import run_folder
from opencharacter.tracking import read_reports


def check(config: Config) -> None:
    """Check that there are runs to compare.

    Raises:
        ConfigError: there are fewer than two.
    """
    require_two(config.compare.runs)


def run(config: Config, job: Job) -> None:
    """Write the comparison and print what it comes to.

    Raises:
        ConfigError: the runs cannot be compared.
        SourceError: what W&B keeps of one cannot be read.
        StoreError: one of them was not judged.
    """
    settings = config.compare
    if settings.source is CompareSource.wandb:
        runs = []
        found = read_reports(config.project, settings.runs)
        systems = [system_of(each.group, each.about, each.table) for each in found]
    else:
        runs = read_runs(settings.runs, Path(config.runs_dir))
        systems = systems_of(runs, settings.criteria)
    comparison = write_comparison(job.folder("compare").path, systems, runs, settings)
    folders = [run_folder(name, Path(config.runs_dir)) for name in settings.runs if runs]
    stated = {run: one.same_family_stated for run, one in zip(folders, runs, strict=True)}
    say_stating("compare", stated, comparison.withheld, is_given=config.judge.same_family)
