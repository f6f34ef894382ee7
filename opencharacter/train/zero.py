"""DeepSpeed's settings for ZeRO-2 and ZeRO-3 (Rajbhandari et al. 2020, arXiv 1910.02054).

They go to the trainer as a dictionary, and nowhere else: two sources of one number would have to
be kept equal. What the trainer knows too (batch, accumulation, clipping, bf16) is `auto` here.
"""

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib import import_module
from typing import Any

import torch
from torch import Tensor
from transformers.integrations import deepspeed as deepspeed_integration
from transformers.integrations.deepspeed import (
    is_deepspeed_zero3_enabled,
    unset_hf_deepspeed_config,
)

from opencharacter.config import TrainConfig

_STAGES = {"zero2": 2, "zero3": 3}


def deepspeed_settings(config: TrainConfig) -> dict[str, Any] | None:
    """Return the dictionary for `SFTConfig(deepspeed=...)`; None without DeepSpeed.

    ZeRO-2 shares out optimizer states and gradients, ZeRO-3 weights too, gathering them layer by
    layer. With `offload` the optimizer's step is done by torch's AdamW on the CPU: DeepSpeed's own
    would need a compiler, and decays norms and biases as well.
    """
    stage = _STAGES.get(config.deepspeed)
    if stage is None:
        return None
    _quieten()
    zero: dict[str, Any] = {
        "stage": stage,
        "overlap_comm": True,
        "contiguous_gradients": True,
        "reduce_bucket_size": "auto",  # by the model's width; DeepSpeed's default takes 1 GB
    }
    if stage == 3:
        zero |= {
            "stage3_prefetch_bucket_size": "auto",
            "stage3_param_persistence_threshold": "auto",
            # Checkpoints and the trained model hold whole weights, which transformers can read.
            "stage3_gather_16bit_weights_on_model_save": True,
        }
    if config.offload:
        zero["offload_optimizer"] = {"device": "cpu", "pin_memory": True}
        if stage == 3:
            zero["offload_param"] = {"device": "cpu", "pin_memory": True}
    return {
        "train_micro_batch_size_per_gpu": "auto",
        "gradient_accumulation_steps": "auto",
        "gradient_clipping": "auto",
        "bf16": {"enabled": "auto"},
        "zero_optimization": zero,
        "zero_allow_untested_optimizer": True,
        "zero_force_ds_cpu_optimizer": False,
        "steps_per_print": 1_000_000_000,  # it prints to where results go
    }


def _quieten() -> None:
    """Keep DeepSpeed from printing, and from compiling what a training does not use.

    On a CPU it would compile an all-reduce for inference: minutes on a busy machine, and whoever is
    killed meanwhile leaves a lock for which every later process waits for ever.
    """
    logging.getLogger("DeepSpeed").setLevel(logging.WARNING)
    logging.getLogger("accelerate.accelerator").setLevel(logging.ERROR)
    # torch has new names for what DeepSpeed calls, and says so at every call.
    warnings.filterwarnings("ignore", "`torch.distributed", FutureWarning)
    import_module("deepspeed").ops.__compatible_ops__["deepspeed_shm_comm"] = False


def count(weight: Tensor) -> int:
    """Return how many numbers a weight has, those of other ranks included."""
    return int(vars(weight).get("ds_numel") or weight.numel())


def gathered(weights: Sequence[Tensor]) -> AbstractContextManager[Any]:
    """Gather weights that are cut up until the end of the block; all ranks must ask for them.

    What is changed there is kept as rank 0 has changed it. Whole weights stay as they are.
    """
    if not any("ds_id" in vars(weight) for weight in weights):
        return nullcontext()
    opened: AbstractContextManager[Any] = import_module("deepspeed").zero.GatheredParameters(
        list(weights), modifier_rank=0
    )
    return opened


@contextmanager
def opened_whole() -> Iterator[None]:
    """Keep transformers from opening models in pieces until the end of the block.

    It does so as long as a configuration with ZeRO-3 is there.
    """
    known = deepspeed_integration._hf_deepspeed_config_weak_ref
    unset_hf_deepspeed_config()
    try:
        yield
    finally:
        deepspeed_integration._hf_deepspeed_config_weak_ref = known


def whole_model(trainer: Any) -> Any | None:
    """Return the trained model with all its weights on rank 0; all ranks must ask for it.

    ZeRO-3 has cut the weights up: they are gathered one by one into the memory of rank 0's CPU.

    Args:
        trainer: Of transformers; it cannot train any more.

    Returns:
        The model, on other ranks perhaps None.
    """
    model = trainer.accelerator.unwrap_model(trainer.model)
    if trainer.accelerator.state.deepspeed_plugin is None or not is_deepspeed_zero3_enabled():
        return model
    state = trainer.accelerator.get_state_dict(trainer.model_wrapped)
    unset_hf_deepspeed_config()  # else transformers would cut up the next model too
    if not trainer.is_world_process_zero():
        return None
    with torch.device("meta"):
        whole = type(model)(model.config)
    whole.load_state_dict(state, strict=False, assign=True)
    whole.tie_weights()
    whole.generation_config = model.generation_config
    return whole
