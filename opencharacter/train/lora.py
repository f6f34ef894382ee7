"""Low-rank adapters (Hu et al. 2021, arXiv 2106.09685), through PEFT, and their merge."""

import difflib
import warnings
from collections.abc import Sequence
from typing import Any

import torch
from peft import LoraConfig as PeftConfig
from peft import PeftModel, get_peft_model
from peft.tuners.tuners_utils import BaseTunerLayer
from torch import Tensor
from transformers.pytorch_utils import Conv1D

from opencharacter.config import LoraConfig
from opencharacter.errors import ConfigError, TrainingError

_ALL = "all-linear"
_ADAPTABLE = (torch.nn.Linear, torch.nn.Embedding, Conv1D)
_ROUNDING = {torch.float32: 1e-3, torch.bfloat16: 0.05, torch.float16: 0.02}
"""How far the logits of a merged model may be from those with adapters, as a share of their
length; measured on small models: 1e-6 in float32, 0.01 in bfloat16."""
_PART = 0.25
"""The same, as a share of what the adapters change."""


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
    is_pairs = model.config.is_encoder_decoder
    if is_pairs and new_ids:
        raise ConfigError(
            f"tuning=lora with {len(new_ids):,} tokens that the encoder-decoder model does not "
            "know: encoder and decoder share their embeddings, which adapters cannot keep one; set "
            "train.tuning=full, or add no tokens"
        )
    check_targets(model, config.targets)
    targets = _ALL if config.targets == [_ALL] else config.targets
    peft = PeftConfig(
        task_type="SEQ_2_SEQ_LM" if is_pairs else "CAUSAL_LM",
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


def check_targets(model: Any, targets: Sequence[str]) -> None:
    """See to it that every name is one of modules that can have adapters; PEFT wants one of them.

    Args:
        model: Of transformers; it may be on the device `meta`.
        targets: A module's name, or the end of it from a dot on, such as `q_proj`; or `all-linear`.

    Raises:
        ConfigError: one matches none, with the names that do.
    """
    if list(targets) == [_ALL]:
        return
    names = [name for name, module in model.named_modules() if isinstance(module, _ADAPTABLE)]
    for target in targets:
        if not any(f".{name}".endswith(f".{target}") for name in names):
            ends = sorted({name.rpartition(".")[2] for name in names})
            near = difflib.get_close_matches(target, ends, n=1)
            hint = f" (did you mean '{near[0]}'?)" if near else ""
            raise ConfigError(
                f"train.lora.targets names '{target}'{hint}, and no module that can have adapters "
                f"is called so; valid: {', '.join(ends)}, or [{_ALL}] alone"
            )


def merge_adapters(model: Any, dtype: torch.dtype, looked_at: Sequence[int]) -> Any:
    """Return the model with its adapters added to its weights; one without any as it is.

    The sum is made in float32, a module at a time, and rounded once: in bfloat16 the adapters'
    product would be rounded before it is added, and small changes would be lost twice.

    Args:
        model: With or without adapters.
        dtype: Of the sum.
        looked_at: Token ids of a dialogue, on which the two models are compared.

    Raises:
        TrainingError: the merged model says something else than the adapters.
    """
    if not isinstance(model, PeftModel):
        return model
    was_training = model.training
    with_adapters = _logits(model.eval(), looked_at)
    with model.disable_adapter():
        without = _logits(model, looked_at)
    for module in model.modules():
        if isinstance(module, BaseTunerLayer):
            module.to(torch.float32)
            module.merge()
            module.to(dtype)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "All adapters are already merged")
        merged = model.merge_and_unload().to(dtype)
    check_alike(with_adapters, _logits(merged, looked_at), without, dtype)
    return merged.train(was_training)


def check_alike(expected: Tensor, found: Tensor, without: Tensor, dtype: torch.dtype) -> float:
    """Compare logits; return how far they are apart.

    They may differ by what rounding explains, or else by a small part of what the adapters change:
    rounding grows with a model's depth, and a merge that went wrong is as far off as the base is.

    Args:
        expected: (tokens, vocabulary) with adapters.
        found: (tokens, vocabulary) of the merged model.
        without: (tokens, vocabulary) of the base.
        dtype: Of the merged weights.

    Returns:
        Length of the difference as a share of the length of `expected`, each token's logits around
        their own mean: softmax does not see that.

    Raises:
        TrainingError: they differ by more.
    """
    here, there, base = (each - each.mean(-1, keepdim=True) for each in (expected, found, without))
    share, effect = (float((here - other).norm() / here.norm()) for other in (there, base))
    if not share <= max(_ROUNDING[dtype], _PART * effect):  # no number at all, too
        raise TrainingError(
            f"the merged model's logits differ from those with adapters by {share:.2%}, more than "
            f"{dtype} explains ({_ROUNDING[dtype]:.1%}), and the adapters change {effect:.2%}; "
            "they are kept in train/adapters: report this with the model's name"
        )
    return share


def _logits(model: Any, ids: Sequence[int]) -> Tensor:
    """Return (tokens, vocabulary) logits in float32, computed as the weights are kept."""
    asked = torch.tensor([list(ids)], device=next(model.parameters()).device)
    both = {"decoder_input_ids": asked} if model.config.is_encoder_decoder else {}
    with torch.no_grad():
        found = model(input_ids=asked, use_cache=False, **both).logits[0]
    logits: Tensor = found.float().cpu()
    return logits


def _new_rows(model: Any, ids: Sequence[int]) -> dict[str, Any]:
    embeddings, head = model.get_input_embeddings(), model.get_output_embeddings()
    names = {id(module): name.rpartition(".")[2] for name, module in model.named_modules()}
    of_input, of_output = names[id(embeddings)], names[id(head)]
    if head.weight is embeddings.weight:
        return {"modules_to_save": [of_input, of_output], "ensure_weight_tying": True}
    return {"trainable_token_indices": {of_input: list(ids)}, "modules_to_save": [of_output]}
