"""A trained model as a folder that transformers and vLLM open: all of it, or nothing."""

import shutil
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel

from opencharacter.store.files import disk_errors


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Give a temporary folder beside `folder` that takes its name at the end of the block."""
    temporary = folder.with_name(f".{folder.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    with disk_errors(folder):
        temporary.mkdir(parents=True)
        yield temporary
        if folder.exists():
            shutil.rmtree(folder)
        temporary.rename(folder)


def save_model(
    model: Any, tokenizer: Any, folder: Path, *, dtype: torch.dtype, stop_ids: Sequence[int]
) -> None:
    """Write weights, tokenizer with its chat template, and when to stop.

    Args:
        model: Of transformers, without adapters.
        tokenizer: With the chat template that the rows were rendered with.
        folder: Replaced when the new one is whole.
        dtype: Of the weights.
        stop_ids: Tokens that end an answer.
    """
    model.generation_config.eos_token_id = list(stop_ids)
    with whole_folder(folder) as temporary:
        model.to(dtype).save_pretrained(temporary)
        tokenizer.save_pretrained(temporary)


@contextmanager
def grown_embeddings() -> Iterator[None]:
    """Let PEFT save embeddings that have grown, as it should, without a warning that it does."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Setting `save_embedding_layers` to `True`")
        yield


def save_adapters(model: Any, folder: Path) -> None:
    """Write adapters alone, if the model has any: small, and they fit the base they came from."""
    if isinstance(model, PeftModel):
        with whole_folder(folder) as temporary, grown_embeddings():
            model.save_pretrained(temporary)
