"""Which model a training begins with; nothing here imports torch."""

from opencharacter.config import ModelConfig, TrainConfig
from opencharacter.llm.opening import model_name, model_path


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
