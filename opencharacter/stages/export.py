"""Write the mixture for a trainer: messages, ShareGPT or Alpaca rows, as JSON lines or Parquet.

Reads    runs/<run>/mix
Writes   runs/<run>/export/<layout>: train.jsonl or train.parquet, and a card with the licence
Costs    one pass, constant memory; with export.push an upload to the hub
Run      python -m opencharacter stage=export run=main export.layout=sharegpt
"""

from opencharacter.config import Config
from opencharacter.job import Job
from opencharacter.job.exporting import say_written
from opencharacter.mix.export import exported, schema_of
from opencharacter.records import MixtureRow
from opencharacter.store.exports import push, write_export
from opencharacter.store.rows import read_records
from opencharacter.store.stage import finished_input


def run(config: Config, job: Job) -> None:
    """Export the run's mixture.

    Raises:
        StoreError: the run has no finished mixture, the disk is full, or the hub refuses.
    """
    settings = config.export
    finished_input(job.run_dir, "mix", run=config.run, typed=job.command)
    mixture = job.folder("mix")
    rows = (exported(r, settings.layout) for r in read_records(mixture.data, MixtureRow))
    folder = job.folder("export").path / settings.layout
    written = write_export(
        folder,
        rows,
        schema=schema_of(settings.layout),
        is_parquet=settings.format == "parquet",
        about=mixture.manifest() or {},
        command=job.command,
    )
    say_written(written, layout=settings.layout)
    if settings.push:
        push(folder, settings.push, is_private=settings.private)
