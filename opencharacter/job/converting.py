"""GGUF files of the model that a run has trained: made once, or again of another model."""

import sys

from opencharacter.config import Config
from opencharacter.job import Job
from opencharacter.store.files import read_json, write_json
from opencharacter.train.gguf import convert
from opencharacter.train.leaving import MODEL
from opencharacter.train.llama_cpp import Tools

_FOLDER = "gguf"


def write_gguf(config: Config, job: Job, tools: Tools) -> None:
    """Write runs/<run>/train/gguf/<run>-<kind>.gguf, unless it is there and of this model.

    Args:
        config: Asks for a kind.
        job: Of the run; its training is finished, by this command or an earlier one.
        tools: Of llama.cpp.

    Raises:
        ModelError: llama.cpp does not take the model, or made something else of it.
        StoreError: the disk is full.
    """
    folder = job.folder("train")
    manifest = folder.manifest()
    if manifest is None:  # another process is at it, or it was only a look ahead
        return
    kind = config.train.gguf
    target = folder.path / _FOLDER / f"{config.run}-{kind}.gguf"
    note = target.with_suffix(".json")  # which model the file was made from
    if target.exists() and read_json(note) == {"model": manifest["output"]}:
        print(f"train: {target} is there already", file=sys.stderr)
        return
    print(f"train: writing {target} ...", file=sys.stderr)
    header = convert(folder.path / MODEL, target, kind, tools)
    write_json(note, {"model": manifest["output"]})
    size = target.stat().st_size / 2**20
    print(f"train: {target}: {len(header.tensors):,} tensors, {size:,.1f} MiB", file=sys.stderr)
