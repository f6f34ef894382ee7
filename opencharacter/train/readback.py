"""Read a written model back from disk, and compare it with the one in memory.

A disk, a network file system or a library may lose or change something on the way. It is found
here, while the model is still in memory, and not by whoever opens the folder a month later.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor
from transformers import AutoConfig, AutoTokenizer, GenerationConfig

from opencharacter.errors import TrainingError
from opencharacter.store.files import read_json

_INDEX = ".safetensors.index.json"
_SAID = "A word, ein Wort, 一个词, 12 345, a tab\there; and no control token: "
_DIALOGUE = (
    {"role": "system", "content": "You are Ada."},
    {"role": "user", "content": "Who are you?\n\nTell me."},
    {"role": "assistant", "content": "I am Ada, of the mill."},
    {"role": "user", "content": "And now?"},
)


def check_tensors(
    expected: Iterable[tuple[str, Tensor]],
    folder: Path,
    *,
    name: str = "model",
    tied: Mapping[str, str] | None = None,
) -> int:
    """Compare the weights in a folder with those in memory, bit by bit; return how many there are.

    One tensor at a time is read, so this needs no memory to speak of.

    Args:
        expected: Names as files have them, and tensors in the dtype that was asked for; on any
            device, gathered from all ranks if they were shared out.
        folder: Holds `NAME.safetensors`, or shards of it and their index.
        name: Of the files.
        tied: Names that may be absent, as they are the same matrix as another; with its name.

    Raises:
        TrainingError: a tensor is absent, too many, of another shape or dtype, or differs.
    """
    homes = _homes(folder, name)
    left = set(homes)
    count = 0
    for written, tensor in expected:
        source = written if written in homes else (tied or {}).get(written, written)
        if source not in homes:
            raise _damaged(folder, f"it lacks {written}")
        found = _read(homes[source], source)
        if problem := _difference(found, tensor):
            raise _damaged(folder, f"{written} {problem}")
        left.discard(source)
        count += 1
    if left:
        raise _damaged(folder, f"it holds {min(left)}, which the model in memory does not")
    return count


def check_structure(
    model_class: Callable[[Any], Any], shapes: Mapping[str, Sequence[int]], folder: Path
) -> None:
    """See to it that the written configuration describes a model of these weights.

    Args:
        model_class: Of the model; called with the configuration on the device `meta`, which costs
            no memory.
        shapes: Of the weights in memory, by their names there.
        folder: Holds `config.json`.

    Raises:
        TrainingError: it describes another model.
    """
    config = AutoConfig.from_pretrained(folder)
    with torch.device("meta"):
        described = {n: tuple(w.shape) for n, w in model_class(config).state_dict().items()}
    known = {name: tuple(shape) for name, shape in shapes.items()}
    for name in sorted(known.keys() | described.keys()):
        if name in known and name in described and known[name] != described[name]:
            raise _damaged(
                folder,
                f"config.json makes {name} {list(described[name])}, and it is {list(known[name])}",
            )
        if name not in known:
            raise _damaged(folder, f"config.json describes {name}, which was not trained")
        if name not in described:
            raise _damaged(folder, f"config.json does not describe {name}, which was trained")


def check_tokenizer(tokenizer: Any, folder: Path) -> None:
    """See to it that the written tokenizer makes the same ids and renders the same dialogue.

    Raises:
        TrainingError: it does not.
    """
    written = AutoTokenizer.from_pretrained(folder)
    text = _SAID + " ".join(tokenizer.all_special_tokens) + " and " + " ".join(_added(tokenizer))
    for what, of in (
        ("makes other ids", lambda one: one(text, add_special_tokens=False)["input_ids"]),
        ("has other tokens", lambda one: one.get_vocab()),
        ("renders a dialogue otherwise", _render),
    ):
        if of(tokenizer) != of(written):
            raise _damaged(folder, f"its tokenizer {what} than the one of the training")


def check_stops(stop_ids: Collection[int], folder: Path) -> None:
    """See to it that generation ends where an answer ends.

    Args:
        stop_ids: The token that ends a turn, and those that ended an answer before the training.
        folder: Holds `generation_config.json`.

    Raises:
        TrainingError: one of them is not in it: the model would talk on.
    """
    found = GenerationConfig.from_pretrained(folder).eos_token_id
    written = set(found if isinstance(found, list) else [found])
    if absent := set(stop_ids) - written:
        raise _damaged(
            folder, f"generation_config.json does not stop at token {min(absent)}: {found}"
        )


def _homes(folder: Path, name: str) -> dict[str, Path]:
    """Return the file of each tensor.

    Raises:
        TrainingError: a file is absent or broken, or does not hold what the index says.
    """
    index = read_json(folder / f"{name}{_INDEX}")
    whole = f"{name}.safetensors"
    files = sorted(set(index["weight_map"].values())) if index else [whole]
    homes: dict[str, Path] = {}
    for each in files:
        try:
            with safe_open(folder / each, framework="pt") as file:
                homes |= dict.fromkeys(file.keys(), folder / each)
        except (OSError, SafetensorError) as error:
            raise _damaged(folder, f"{each} cannot be read: {error}") from error
    if index:
        told = {tensor: folder / each for tensor, each in index["weight_map"].items()}
        if wrong := [tensor for tensor, home in told.items() if homes.get(tensor) != home]:
            raise _damaged(folder, f"{wrong[0]} is not in the shard that the index names")
    return homes


def _read(path: Path, name: str) -> Tensor:
    with safe_open(path, framework="pt") as file:
        found: Tensor = file.get_tensor(name)
    return found


def _difference(found: Tensor, expected: Tensor) -> str | None:
    """Return in words how two tensors differ; None = they do not, to the last bit."""
    if found.shape != expected.shape:
        return f"is {list(found.shape)}, not {list(expected.shape)}"
    if found.dtype != expected.dtype:
        return f"is {found.dtype}, not {expected.dtype}"
    here = expected.detach().cpu().contiguous()
    if torch.equal(found.flatten().view(torch.uint8), here.flatten().view(torch.uint8)):
        return None
    wrong = int((found != here).sum())
    return f"differs in {wrong or 'some'} of {here.numel():,} numbers"


def _added(tokenizer: Any) -> list[str]:
    return sorted(tokenizer.get_added_vocab())[:64]


def _render(tokenizer: Any) -> str:
    rendered: str = tokenizer.apply_chat_template(
        list(_DIALOGUE), tokenize=False, add_generation_prompt=True
    )
    return rendered


def _damaged(folder: Path, what: str) -> TrainingError:
    return TrainingError(
        f"the model read back from {folder} is not the one that was trained: {what}; look at the "
        "disk, then give the same command again"
    )
