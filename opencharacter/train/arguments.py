"""Our settings as arguments of TRL's `SFTConfig`; the others by name, checked before anything else.

Names are read off the sources of the installed TRL and transformers, without importing them: a
mistyped name is told in a moment, and not when the model is loaded.
"""

import ast
import difflib
import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from opencharacter.config import Objective, Schedule, TrainConfig
from opencharacter.errors import ConfigError
from opencharacter.train.batches import Batches

_SOURCES = (
    ("transformers", "training_args.py"),
    ("trl", "trainer/base_config.py"),
    ("trl", "trainer/sft_config.py"),
)
_OURS = {
    "output_dir": "it is the stage's folder",
    "per_device_train_batch_size": "set train.device_tokens",
    "per_device_eval_batch_size": "set train.device_tokens",
    "gradient_accumulation_steps": "it follows from train.global_tokens",
    "num_train_epochs": "set train.epochs",
    "max_steps": "set train.epochs, which may be a part of one",
    "learning_rate": "set train.learning_rate",
    "lr_scheduler_type": "set train.schedule",
    "lr_scheduler_kwargs": "set train.final_rate",
    "warmup_steps": "set train.warmup",
    "packing": "set train.packing",
    "packing_strategy": "train.packing=true packs best-fit decreasing, over all rows at once",
    "padding_free": "it follows from train.packing",
    "eval_packing": "it follows from train.packing",
    "max_length": "set train.max_length",
    "truncation_mode": "no row is ever cut",
    "shuffle_dataset": "rows stand in an order by their hash; set seed",
    "dataset_kwargs": "rows come from stage=tokenize",
    "dataset_text_field": "rows come from stage=tokenize",
    "dataset_num_proc": "rows come from stage=tokenize",
    "remove_unused_columns": "rows come from stage=tokenize",
    "completion_only_loss": "labels come from stage=tokenize",
    "assistant_only_loss": "labels come from stage=tokenize",
    "chat_template_path": "set tokenize.template",
    "eos_token": "it is what the supervised turns end with",
    "pad_token": "it is the tokenizer's",
    "model_init_kwargs": "set train.precision and train.attention",
    "bf16": "set train.precision",
    "fp16": "set train.precision",
    "gradient_checkpointing": "set train.gradient_checkpointing",
    "deepspeed": "set deepspeed=",
    "fsdp": "set deepspeed=",
    "fsdp_config": "set deepspeed=",
    "logging_steps": "set train.log_steps",
    "logging_strategy": "set train.log_steps",
    "logging_nan_inf_filter": "a loss that is no number must be seen",
    "report_to": "set tracking=wandb",
    "save_only_model": "a training that is stopped goes on with its optimizer's states",
    "ignore_data_skip": "a training that is stopped goes on where it was in the rows",
    "auto_find_batch_size": "set train.device_tokens",
    "average_tokens_across_devices": "a token counts the same on every rank",
    "dataloader_drop_last": "every row is trained on and measured",
    "use_cpu": "a GPU that is there is used; hide it with CUDA_VISIBLE_DEVICES=",
    "ddp_timeout": "it is as long as rank 0 may take",
    "ddp_find_unused_parameters": "all weights take part in every step",
    "eval_on_start": "it is always measured before the first step",
    "eval_strategy": "set train.validations",
    "eval_steps": "set train.validations",
    "save_strategy": "set train.validations",
    "save_steps": "set train.validations",
    "load_best_model_at_end": "the best validation is kept",
    "metric_for_best_model": "it is the loss on held-out characters, else dialogues",
    "greater_is_better": "it is the loss on held-out characters, else dialogues",
    "enable_jit_checkpoint": "pre-emption is opencharacter's own",
    "resume_from_checkpoint": "the same command goes on by itself",
    "push_to_hub": "the model is written to the run's folder",
    "seed": "set seed",
    "data_seed": "set seed",
    "use_liger_kernel": "TRL fuses the loss itself",
}


def check_names(sft: dict[str, Any], objective: Objective = Objective.causal) -> None:
    """Check that TRL knows the arguments, and that they are not ours to set.

    Args:
        sft: Arguments of `SFTConfig` by name.
        objective: Those that are TRL's own do nothing in a training of encoder and decoder.

    Raises:
        ConfigError: one is unknown, or follows from a setting of ours, or would do nothing.
    """
    for name in sft:
        if name in _OURS:
            raise ConfigError(f"train.sft.{name} is not set there: {_OURS[name]}")
        if name not in argument_names():
            raise ConfigError(f"train.sft.{name} is no argument of TRL's SFTConfig{_hint(name)}")
        if objective is Objective.seq2seq and name not in argument_names("TrainingArguments"):
            raise ConfigError(
                f"train.sft.{name} is of TRL's causal trainings; with train.objective=seq2seq it "
                "would do nothing"
            )
        _check_type(name, sft[name])
    limit = sft.get("save_total_limit", 2)
    if limit is not None and limit < 2:
        raise ConfigError(
            f"train.sft.save_total_limit is {limit}; with less than 2 the only checkpoint is "
            "removed while the next one is being written"
        )


def _check_type(name: str, value: object) -> None:
    wanted = set(re.findall(r"\w+", argument_types()[name])) - {"None", "Optional"}
    if isinstance(value, str) and wanted <= {"int", "float", "bool"}:
        raise ConfigError(
            f"train.sft.{name} is '{value}'; TRL takes {' or '.join(sorted(wanted))} there"
        )


def _hint(name: str) -> str:
    near = difflib.get_close_matches(name, sorted(argument_names()), n=1)
    ours = f": {_OURS[near[0]]}" if near and near[0] in _OURS else ""
    return f" (did you mean '{near[0]}'?{ours})" if near else ""


@cache
def argument_names(*kinds: str) -> frozenset[str]:
    """Return the names that `argument_types` has."""
    return frozenset(argument_types(*kinds))


@cache
def argument_types(*kinds: str) -> dict[str, str]:
    """Return the fields of the installed `SFTConfig` with their annotations, as they are written.

    Args:
        kinds: Classes whose fields alone are asked for; none = all.

    Raises:
        ModuleNotFoundError: TRL or transformers is not installed.
    """
    types: dict[str, str] = {}
    for library, file in _SOURCES:
        spec = find_spec(library)
        if spec is None or spec.origin is None:
            raise ModuleNotFoundError(f"No module named '{library}'", name=library)
        tree = ast.parse((Path(spec.origin).parent / file).read_text(encoding="utf-8"))
        classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
        types |= {
            statement.target.id: ast.unparse(statement.annotation)
            for node in classes
            if node.name in (kinds or ("TrainingArguments", "_BaseConfig", "SFTConfig"))
            for statement in node.body
            if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name)
        }
    return types


def sft_arguments(config: TrainConfig, batches: Batches, *, seed: int) -> dict[str, Any]:
    """Return everything that `SFTConfig` is told by the settings alone.

    Args:
        config: Of the training.
        batches: As they were derived.
        seed: Of the run.
    """
    return {
        "per_device_train_batch_size": batches.device_rows,
        "per_device_eval_batch_size": batches.device_rows,
        "gradient_accumulation_steps": batches.accumulation,
        "num_train_epochs": config.epochs,
        "learning_rate": config.learning_rate,
        **_schedule(config),
        "optim": "adamw_torch_fused",
        "packing": config.packing,
        "packing_strategy": "bfd",
        "max_length": config.max_length,
        # Rows are packed, or stand alone, and checked for their length before TRL sees them.
        "dataset_kwargs": {"skip_prepare_dataset": True},
        "remove_unused_columns": False,
        "completion_only_loss": False,
        "assistant_only_loss": False,
        "loss_type": "nll",
        "average_tokens_across_devices": True,
        "gradient_checkpointing": config.gradient_checkpointing,
        "gradient_checkpointing_kwargs": {"use_reentrant": False},
        "logging_strategy": "steps",
        "logging_steps": config.log_steps,
        "logging_nan_inf_filter": False,
        "report_to": "none",
        "disable_tqdm": True,
        "save_total_limit": 2,
        "seed": seed,
        "data_seed": seed,
        **config.sft,
    }


def validation_arguments(config: TrainConfig, *, steps_per_epoch: int, metric: str | None) -> Any:
    """Return when to validate and save, and by which metric the best checkpoint is known.

    Args:
        config: Of the training.
        steps_per_epoch: Optimizer steps.
        metric: Such as `characters_loss`; None = nothing is held out, and the last step is kept.
    """
    every = max(1, -(-steps_per_epoch // config.validations))
    saving = {"save_strategy": "steps", "save_steps": every}
    if metric is None:
        return {**saving, "eval_strategy": "no"}
    return {
        **saving,
        "eval_strategy": "steps",
        "eval_steps": every,
        "eval_on_start": True,
        "load_best_model_at_end": True,
        "metric_for_best_model": f"eval_{metric}",
        "greater_is_better": False,
    }


def _schedule(config: TrainConfig) -> dict[str, Any]:
    """Return the scheduler; the linear one of transformers falls to zero, this one may not."""
    rise = {"warmup_steps": config.warmup}
    if config.schedule is Schedule.constant:
        return {**rise, "lr_scheduler_type": "constant_with_warmup"}
    if config.schedule is Schedule.linear:
        end = {"lr_end": config.learning_rate * config.final_rate, "power": 1.0}
        return {**rise, "lr_scheduler_type": "polynomial", "lr_scheduler_kwargs": end}
    end = {"min_lr_rate": config.final_rate}
    return {**rise, "lr_scheduler_type": "cosine_with_min_lr", "lr_scheduler_kwargs": end}
