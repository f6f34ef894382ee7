"""Look for what is wrong in a file of training dialogues, ours or anybody's.

Reads    lint.path: messages, ShareGPT, LIMA or Alpaca rows in .jsonl, .json or .parquet
Writes   runs/<run>/lint/<the path>: findings.jsonl; with lint.fix=true also mended.jsonl
Costs    one pass over the file; no model
Run      python -m opencharacter stage=lint lint.path=train.jsonl lint.fix=true

Exit status 1 if there are problems; what is only counted is none.
"""

from opencharacter.config import Config
from opencharacter.errors import ConfigError
from opencharacter.job import Job
from opencharacter.job.findings import Report
from opencharacter.lint.copy import FINDINGS, MENDED, folder_name, open_copies
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
    source = open_source(settings.path)
    folder = job.folder("lint").path / folder_name(settings.path)
    report = Report(shown=settings.shown)
    with open_copies(folder, fix=settings.fix) as copies:
        for checked in check_source(source, skip):
            report.add(checked)
            copies.write(checked)
        if not report.rows:
            raise no_rows(settings.path)
    written = {"All findings": str(folder / FINDINGS)}
    if settings.fix:
        what = f"Mended copy, {report.kept:,} of {report.rows:,} rows"
        written[what] = str(folder / MENDED) if copies.has_rows else "none: no row is left for it"
    report.close(written)
    if report.faulty:
        raise SystemExit(1)
