"""Look for what is wrong in a file of training dialogues, ours or anybody's.

Reads    lint.path: messages, ShareGPT, LIMA or Alpaca rows in .jsonl, .json or .parquet
Writes   runs/<run>/lint: findings.jsonl; with lint.fix=true also the mended copy as JSON lines
Costs    one pass over the file; no model
Run      python -m opencharacter stage=lint lint.path=train.jsonl lint.fix=true

Exit status 1 if there are problems.
"""

from opencharacter.config import Config
from opencharacter.errors import ConfigError
from opencharacter.job import Job
from opencharacter.job.findings import Report
from opencharacter.lint.copy import open_copies
from opencharacter.lint.rows import check_source, skipping
from opencharacter.sources.rows import no_rows, open_source


def run(config: Config, job: Job) -> None:
    """Check the file; print what is wrong with it, by row and by problem.

    Raises:
        ConfigError: no file is named, or lint.skip names no problem.
        SourceError: the file cannot be read, or has no rows.
        SystemExit: with status 1, if there are problems.
    """
    settings = config.lint
    if not settings.path:
        raise ConfigError("lint.path is empty; name a file or folder: lint.path=train.jsonl")
    skip = skipping(settings.skip)
    source = open_source(settings.path, "instructions.jsonl")
    folder = job.folder("lint").path
    copy = f"{source.name.replace('/', '-')}.jsonl" if settings.fix else None
    report = Report(shown=settings.shown)
    with open_copies(folder, copy) as copies:
        for checked in check_source(source, skip):
            report.add(checked)
            copies.write(checked)
        if not report.rows:
            raise no_rows(settings.path)
    written = {"All findings": str(folder / "findings.jsonl")}
    if copy:
        written[f"Mended copy, {report.kept:,} of {report.rows:,} rows"] = str(folder / copy)
    report.close(written)
    if report.problems:
        raise SystemExit(1)
