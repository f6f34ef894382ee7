"""A trained model as a folder that transformers and vLLM open: all of it, or nothing.

It is written under another name, read back and compared, and only then called `model`.
"""

import os
import shutil
import warnings
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel, get_peft_model_state_dict
from transformers.core_model_loading import revert_weight_conversion

from opencharacter.errors import StoreError, TrainingError
from opencharacter.store.files import disk_errors, sync_folder
from opencharacter.train.readback import (
    check_stops,
    check_structure,
    check_tensors,
    check_tokenizer,
)
from opencharacter.train.zero import count

_BESIDE_WEIGHTS = 64 * 2**20  # bytes: a tokenizer of 200,000 tokens takes some 20 MB


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Give a temporary folder beside `folder` that takes its name at the end of the block.

    Every file is synced first. The folder that had the name is there until then; whatever fails
    gives the room back that it took.
    """
    temporary = folder.with_name(f".{folder.name}.tmp")
    former = folder.with_name(f".{folder.name}.old")
    for left in (temporary, former):  # of a process that was killed
        shutil.rmtree(left, ignore_errors=True)
    with disk_errors(folder):
        temporary.mkdir(parents=True)
        try:
            yield temporary
            _sync(temporary)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
        if folder.exists():
            folder.rename(former)
        temporary.rename(folder)
        sync_folder(folder.parent)
    shutil.rmtree(former, ignore_errors=True)


def require_room(folder: Path, needed: int) -> None:
    """See to it that the disk has room before hours are spent, or a file is half written.

    Args:
        folder: That will be written; it need not be there.
        needed: Bytes.

    Raises:
        StoreError: it has not.
    """
    there = folder
    while not there.exists():
        there = there.parent
    free = shutil.disk_usage(there).free
    if free < needed:
        raise StoreError(
            f"{folder} needs {needed / 2**30:.1f} GiB, and the disk has {free / 2**30:.1f} GiB "
            "left; free some space and give the same command again"
        )


def model_bytes(model: Any, dtype: torch.dtype) -> int:
    """Return what a model takes on disk: its weights, each once, and what lies beside them."""
    size = int(torch.empty(0, dtype=dtype).element_size())
    return _BESIDE_WEIGHTS + size * sum(count(weight) for weight in model.parameters())


def save_model(
    model: Any,
    tokenizer: Any,
    folder: Path,
    *,
    dtype: torch.dtype,
    stop_ids: Collection[int],
) -> None:
    """Write weights, tokenizer with its chat template, and when to stop; read all of it back.

    Args:
        model: Of transformers, without adapters.
        tokenizer: With the chat template that the rows were rendered with.
        folder: Replaced when the new one is whole, and is what is in memory.
        dtype: Of the weights.
        stop_ids: Tokens that end an answer: of the template, and those of the model before.

    Raises:
        TrainingError: what was written is not what is in memory.
        StoreError: the disk has no room.
    """
    require_room(folder, model_bytes(model, dtype))
    if absent := [name for name, weight in model.state_dict().items() if weight.is_meta]:
        raise TrainingError(f"{absent[0]} was not gathered from the ranks; report this")
    model.generation_config.eos_token_id = list(stop_ids)
    weights = model.to(dtype).state_dict()
    with whole_folder(folder) as temporary:
        model.save_pretrained(temporary, state_dict=dict(weights))
        model.config.dtype = dtype  # transformers took it from weights that may be in pieces
        model.config.save_pretrained(temporary)
        tokenizer.save_pretrained(temporary)
        tied = dict(model.all_tied_weights_keys)
        check_structure(type(model), {n: w.shape for n, w in weights.items()}, temporary)
        written = revert_weight_conversion(model, dict(weights))
        check_tensors(written.items(), temporary, tied=tied)
        check_tokenizer(tokenizer, temporary)
        check_stops(stop_ids, temporary)


@contextmanager
def grown_embeddings() -> Iterator[None]:
    """Let PEFT save embeddings that have grown, as it should, without a warning that it does."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Setting `save_embedding_layers` to `True`")
        yield


def save_adapters(model: Any, folder: Path, *, base: str, revision: str | None) -> None:
    """Write adapters alone, if the model has any: small, and they fit the base they came from.

    Args:
        model: With or without adapters.
        folder: Replaced when the new one is whole, and is what is in memory.
        base: Folder or hub id of the model below them.
        revision: Of the base.

    Raises:
        TrainingError: what was written is not what is in memory.
    """
    if not isinstance(model, PeftModel):
        return
    asked = model.peft_config[model.active_adapter]
    asked.base_model_name_or_path, asked.revision = base, revision
    with whole_folder(folder) as temporary, grown_embeddings():
        model.save_pretrained(temporary)
        expected = get_peft_model_state_dict(model)
        check_tensors(expected.items(), temporary, name="adapter_model")


def _sync(folder: Path) -> None:
    """Write to the disk what is in a folder: after a power cut its files are whole.

    They may be read by whoever may read the folder: safetensors lets the owner alone.
    """
    mode = folder.stat().st_mode & 0o666
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            path.chmod(mode)
            with path.open("rb") as file:
                os.fsync(file.fileno())
        else:
            sync_folder(path)
    sync_folder(folder)
