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
from opencharacter.job.kinship import say_stating
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
    folders = [job.run_dir, *(run_folder(name, runs_dir) for name in config.report.runs)]
    typed = [job.command, *("" for _ in config.report.runs)]
    named = zip(folders, labels_of(folders), typed, strict=True)
    found = [read_results(each, run=run, typed=words) for each, run, words in named]
    results = with_labels(joined(found), config)
    report = write_report(job.folder("report").path, results, config.report)
    stated = {run: one.same_family_stated for run, one in zip(folders, found, strict=True)}
    say_stating("report", stated, report.withheld, is_given=config.judge.same_family)
    track_report(report, results, config, job.folder("report"))
