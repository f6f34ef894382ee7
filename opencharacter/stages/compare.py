"""Which of several runs plays its characters better, and by how much: paired, with intervals.

Reads    play and judge of each run in compare.runs
Writes   runs/<run>/compare: compare.html, compare.md, compare.json
Costs    seconds; no model
Run      python -m opencharacter stage=compare 'compare.runs=[base,mine]'
"""

from pathlib import Path

from opencharacter.compare.systems import systems_of
from opencharacter.config import Config
from opencharacter.job import Job
from opencharacter.job.comparing import read_runs, require_two, write_comparison


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
        StoreError: one of them was not judged.
    """
    settings = config.compare
    runs = read_runs(settings.runs, Path(config.runs_dir))
    systems = systems_of(runs, settings.criteria)
    write_comparison(job.folder("compare").path, systems, runs, settings)
