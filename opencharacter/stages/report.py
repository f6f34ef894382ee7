"""What the scores of a run say: headline with intervals, tables, one page with all transcripts.

Reads    runs/<run>/play and judge, and those of report.runs; qualify/judge_card.json where there
         is one; qualify.labels, human labels that correct the means
Writes   runs/<run>/report: report.html, report.md, report.json; with tracking=wandb the
         numbers and a table of all items
Costs    seconds for ten thousand transcripts; no model
Run      python -m opencharacter stage=report run=main
"""

from pathlib import Path

from opencharacter.compare.alike import joined
from opencharacter.config import Config
from opencharacter.job import Job
from opencharacter.job.reporting import (
    labels_of,
    read_results,
    run_folder,
    track_report,
    with_labels,
    write_report,
)


def run(config: Config, job: Job) -> None:
    """Write the report and print its headline.

    Raises:
        ConfigError: a run of report.runs is not there, or of another model, or judged differently.
        StoreError: the run has no finished judge stage, or it is stale.
    """
    runs_dir = Path(config.runs_dir)
    run_folder(config.run, runs_dir)  # a name that was mistyped is told as such
    others = [run_folder(name, runs_dir) for name in config.report.runs]
    label, *labels = labels_of([job.run_dir, *others])
    runs = [read_results(job.run_dir, run=label, typed=job.command)]
    runs += [read_results(each, run=run) for each, run in zip(others, labels, strict=True)]
    results = with_labels(joined(runs), config)
    report = write_report(job.folder("report").path, results, config.report)
    track_report(report, results, config, job.folder("report"))
