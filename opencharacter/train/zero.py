"""DeepSpeed's settings for ZeRO-2 and ZeRO-3 (Rajbhandari et al. 2020, arXiv 1910.02054).

They go to the trainer as a dictionary, and nowhere else: two sources of one number would have to
be kept equal. What the trainer knows too (batch, accumulation, clipping, bf16) is `auto` here.
"""

import logging
from typing import Any

from opencharacter.config import TrainConfig
from opencharacter.errors import ConfigError

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
    logging.getLogger("DeepSpeed").setLevel(logging.WARNING)
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


def check_deepspeed(config: TrainConfig) -> None:
    """Check what can be known of DeepSpeed's settings before anything is loaded.

    Raises:
        ConfigError: there is no such setting, or nothing that `offload` could move.
    """
    if config.deepspeed not in ("none", *_STAGES):
        raise ConfigError(
            f"train.deepspeed is '{config.deepspeed}'; choose with deepspeed=none, deepspeed=zero2 "
            "or deepspeed=zero3"
        )
    if config.offload and config.deepspeed == "none":
        raise ConfigError(
            "train.offload=true moves states that DeepSpeed shares out, and there is none; add "
            "deepspeed=zero2 or deepspeed=zero3"
        )
