"""What the scores of a run say: headline with intervals, tables, one page with all transcripts.

Reads    runs/<run>/play and judge; qualify/judge_card.json where there is one
Writes   runs/<run>/report: report.html, report.md, report.json; with tracking=wandb the
         numbers and a table of all items
Costs    seconds for ten thousand transcripts; no model
Run      python -m opencharacter stage=report run=main
"""

from opencharacter.config import Config
from opencharacter.job import Job
from opencharacter.job.reporting import read_results, track_report, write_report


def run(config: Config, job: Job) -> None:
    """Write the report and print its headline.

    Raises:
        StoreError: the run has no finished judge stage, or it is stale.
    """
    results = read_results(job.run_dir, run=config.run)
    report = write_report(job.folder("report").path, results, config.report)
    track_report(report, results, config, job.folder("report"))
