"""Low-rank adapters (Hu et al. 2021, arXiv 2106.09685), through PEFT, and their merge."""

from collections.abc import Sequence
from typing import Any

from peft import LoraConfig as PeftConfig
from peft import PeftModel, get_peft_model

from opencharacter.config import LoraConfig
from opencharacter.errors import ConfigError

_ALL = "all-linear"


def add_adapters(
    model: Any, config: LoraConfig, new_ids: Sequence[int], *, is_one_dtype: bool = False
) -> Any:
    """Return the model with adapters; only they change, and the rows of new tokens.

    Args:
        model: Of transformers.
        config: Rank, scale and places of the adapters.
        new_ids: Tokens that the model does not know yet. Adapters alone cannot teach it them: where
            input and output embeddings are two matrices, those rows of the first and all of the
            second change; where they are one, all of it.
        is_one_dtype: Adapters are of the model's own dtype and not of float32: ZeRO-3 gathers both
            into one buffer (DeepSpeed#8072).

    Raises:
        ConfigError: the model has no module of that name.
    """
    targets = _ALL if config.targets == [_ALL] else config.targets
    peft = PeftConfig(
        task_type="CAUSAL_LM",
        r=config.rank,
        lora_alpha=config.alpha,
        lora_dropout=config.dropout,
        target_modules=targets,
        **(_new_rows(model, new_ids) if new_ids else {}),
    )
    try:
        return get_peft_model(model, peft, autocast_adapter_dtype=not is_one_dtype)
    except ValueError as error:
        reason = " ".join(str(error).split())
        raise ConfigError(f"train.lora.targets={config.targets} do not fit: {reason}") from error


def merge_adapters(model: Any) -> Any:
    """Return the model with its adapters added to its weights; one without any as it is."""
    return model.merge_and_unload() if isinstance(model, PeftModel) else model


def _new_rows(model: Any, ids: Sequence[int]) -> dict[str, Any]:
    embeddings, head = model.get_input_embeddings(), model.get_output_embeddings()
    names = {id(module): name.rpartition(".")[2] for name, module in model.named_modules()}
    of_input, of_output = names[id(embeddings)], names[id(head)]
    if head.weight is embeddings.weight:
        return {"modules_to_save": [of_input, of_output], "ensure_weight_tying": True}
    return {"trainable_token_indices": {of_input: list(ids)}, "modules_to_save": [of_output]}
