"""What a training leaves behind: the model and its adapters, checked before they are there."""

from pathlib import Path
from typing import Any

from opencharacter.config import TrainConfig
from opencharacter.train.base import base_path
from opencharacter.train.generation import stop_tokens
from opencharacter.train.lora import merge_adapters
from opencharacter.train.models import Opened
from opencharacter.train.rows import TokenRows, stop_token
from opencharacter.train.saving import model_bytes, require_room, save_adapters, save_model

ADAPTERS = "adapters"
"""Folder of the adapters alone, of a training that has any."""
MODEL = "model"
"""Folder of the trained model, below the stage's."""

_LOOKED_AT = 256  # tokens of a row


def check_room(opened: Opened, folder: Path, *, freed: int = 0) -> None:
    """See to it, before the training, that the model will fit on the disk.

    Args:
        opened: The model.
        folder: Of the stage.
        freed: Bytes that are there now and will be free by then.

    Raises:
        StoreError: it will not.
    """
    require_room(folder / MODEL, model_bytes(opened.model, opened.dtype) - freed)


def leave_model(
    model: Any,
    opened: Opened,
    rows: TokenRows,
    config: TrainConfig,
    folder: Path,
) -> None:
    """Write adapters and the merged model; each is read back before it has its name.

    Args:
        model: As it was trained, without the wrappers of accelerate.
        opened: As the training began with it.
        rows: That it was trained on: they say what a turn ends with, and on a piece of the first
            one the merged model is compared with its adapters.
        config: Names the base.
        folder: Of the stage.

    Raises:
        TrainingError: the merged model says something else, or what was written is not what is in
            memory.
        StoreError: the disk has no room.
    """
    base = base_path(config)
    is_folder = Path(base).is_dir()
    save_adapters(
        model,
        folder / ADAPTERS,
        base=str(Path(base).resolve()) if is_folder else base,
        revision=None if is_folder else config.revision,
    )
    looked_at = rows.example([0], is_packed=False)["input_ids"][:_LOOKED_AT].tolist()
    merged = merge_adapters(model, opened.dtype, looked_at)
    stop = stop_token(rows, opened.tokenizer)
    eos = (opened.stop_ids, merged.config.get_text_config().eos_token_id)
    save_model(
        merged,
        opened.tokenizer,
        folder / MODEL,
        dtype=opened.dtype,
        stop_ids=stop_tokens(stop, *eos, opened.tokenizer.eos_token_id),
    )
