"""Which model a training begins with, and whether it is there; nothing here imports torch."""

from pathlib import Path

from opencharacter.config import ModelConfig, TrainConfig
from opencharacter.errors import ModelError
from opencharacter.llm.opening import model_name, model_path
from opencharacter.store.files import read_json

_CONFIG = "config.json"
_WEIGHTS = ("model.safetensors", "pytorch_model.bin")
"""Files that transformers opens; cut up, an index beside the pieces lists these."""


def base_path(config: TrainConfig) -> str:
    """Return the folder or the hub id of the model.

    Raises:
        ModelError: there is no such folder.
    """
    return model_path(ModelConfig(model=config.model, revision=config.revision))


def base_name(config: TrainConfig) -> str:
    """Return `model@revision`; of a folder the revision is a hash of its files.

    Raises:
        ModelError: there is no such folder.
    """
    return model_name(ModelConfig(model=config.model, revision=config.revision))


def check_base(config: TrainConfig) -> None:
    """See to it that a model's folder holds one: configuration and all its weights' files.

    Of a hub id nothing is looked at.

    Raises:
        ModelError: it does not.
    """
    folder = Path(base_path(config))
    if not folder.is_dir():
        return
    where = f"train.model={config.model}"
    if not (folder / _CONFIG).is_file():
        inside = sorted(path.parent for path in folder.glob(f"*/{_CONFIG}"))
        hint = f"did you mean {' or '.join(map(str, inside))}?" if inside else ""
        if (folder / "adapter_config.json").is_file():
            hint = "it holds adapters alone; name the model that they were merged into"
        raise ModelError(f"{where} has no {_CONFIG}; {hint or 'name the folder of a model'}")
    if not any((folder / name).is_file() for name in _WEIGHTS):
        _check_pieces(folder, where)


def _check_pieces(folder: Path, where: str) -> None:
    """See to it that all pieces are there that an index lists.

    Raises:
        ModelError: there is no index, or it is broken, or a piece is missing.
    """
    for name in _WEIGHTS:
        index = folder / f"{name}.index.json"
        try:
            pieces = sorted(set((read_json(index) or {}).get("weight_map", {}).values()))
        except (ValueError, AttributeError) as error:
            raise ModelError(f"{where}: {index.name} is broken: {error}") from error
        missing = [piece for piece in pieces if not (folder / piece).is_file()]
        if missing:
            raise ModelError(
                f"{where} lacks {len(missing)} of {len(pieces)} pieces that {index.name} lists, "
                f"such as {missing[0]}; download or copy it again"
            )
        if pieces:
            return
    raise ModelError(f"{where} has no weights: neither {' nor '.join(_WEIGHTS)}, whole or cut up")
