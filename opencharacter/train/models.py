"""How the model that a training begins with is opened."""

from collections.abc import Collection
from contextlib import nullcontext
from importlib.util import find_spec
from typing import Any, NamedTuple

import torch
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForSeq2SeqLM,
    AutoTokenizer,
)
from transformers.utils.logging import disable_progress_bar

from opencharacter.config import Objective, Precision, TrainConfig, Tuning
from opencharacter.errors import ConfigError, ModelError
from opencharacter.train.base import base_path
from opencharacter.train.embedded.copying import has_fast_bf16
from opencharacter.train.generation import mend_generation
from opencharacter.train.lora import add_adapters
from opencharacter.train.opening import check_kind
from opencharacter.train.shapes import KNOWN, AnyShape, known_shape, read_shape
from opencharacter.train.vocabulary import NewTokens, begin_tokens
from opencharacter.train.zero import opened_whole


class Opened(NamedTuple):
    """A model with its tokenizer."""

    model: Any
    tokenizer: Any
    dtype: torch.dtype
    """Of the weights as they were published; the trained model is saved in it."""
    stop_ids: list[int]
    """Tokens that ended an answer before the training."""
    new: NewTokens
    """What the model did not know."""


def quieten() -> None:
    """Draw no bars: the terminal belongs to the stage."""
    disable_progress_bar()


def uses_bf16(config: TrainConfig) -> bool:
    """Say whether the forward pass computes in bfloat16.

    Raises:
        ConfigError: it is asked for, and the hardware cannot.
    """
    is_gpu = torch.cuda.is_available()
    if config.precision is Precision.auto:
        return torch.cuda.is_bf16_supported() if is_gpu else has_fast_bf16()
    if config.precision is Precision.bfloat16 and is_gpu and not torch.cuda.is_bf16_supported():
        raise ConfigError(
            f"train.precision=bfloat16, but {torch.cuda.get_device_name()} has none; set "
            "train.precision=float32"
        )
    return config.precision is Precision.bfloat16


def attention_kernel(config: TrainConfig) -> str:
    """Return the attention that the model is opened with.

    Raises:
        ConfigError: packed rows on a GPU without a flash kernel: a dense mask of the whole row
            costs time and memory by its square, and is known to give losses of 0.0 in bf16.
    """
    is_gpu = torch.cuda.is_available()
    if config.attention == "auto" and config.objective is Objective.seq2seq:
        return "eager"  # the bias of each pair of tokens is added to a whole matrix anyway
    if config.attention == "auto" and is_gpu and config.packing:
        if not (find_spec("flash_attn") or find_spec("kernels")):
            raise ConfigError(
                "packed dialogues on a GPU need a flash kernel, and neither flash-attn nor kernels "
                "is installed; install one of them, or set train.packing=false"
            )
        return "flash_attention_2"
    if config.attention == "auto":
        return "sdpa"
    if is_gpu and config.packing and "flash" not in config.attention:
        raise ConfigError(
            f"train.attention={config.attention} cannot tell packed dialogues apart on a GPU; set "
            "train.attention=flash_attention_2 (or a kernel of the hub, such as "
            "kernels-community/flash-attn3), or train.packing=false"
        )
    return config.attention


def find_shape(config: TrainConfig) -> AnyShape | None:
    """Return the shape of the model without asking the hub; None = it is not known here.

    Raises:
        ModelError: there is no such folder.
    """
    if shape := known_shape(config):
        return shape
    try:
        cached = AutoConfig.from_pretrained(
            base_path(config), revision=config.revision, local_files_only=True
        )
        return read_shape(cached.get_text_config().to_dict())
    except (OSError, ValueError, KeyError):
        return None


def model_outline(config: TrainConfig) -> Any | None:
    """Return the model without weights, on the device `meta`; None = its configuration is not here.

    Raises:
        ModelError: there is no such folder, or the objective is one for models of another kind.
    """
    path = base_path(config)
    try:
        if path in KNOWN:
            published = AutoConfig.for_model(**{"model_type": "llama", **KNOWN[path]})
        else:
            published = AutoConfig.from_pretrained(
                path, revision=config.revision, local_files_only=True
            )
        check_kind(published.to_dict(), config)
        is_pairs = config.objective is Objective.seq2seq
        home = AutoModelForSeq2SeqLM if is_pairs else AutoModelForCausalLM
        with torch.device("meta"):
            return home.from_config(published)
    except (OSError, ValueError):
        return None


def open_model(config: TrainConfig, used: Collection[int], template: str) -> Opened:
    """Open the model and its tokenizer; new tokens have a beginning, and adapters are in it.

    Full training without DeepSpeed keeps float32 weights, since steps of 1e-5 vanish in bfloat16;
    DeepSpeed keeps a float32 copy itself, and the base below adapters does not change. Once TRL's
    configuration knows of ZeRO-3, transformers opens the model in pieces: no rank ever holds more
    than a layer beside its share, and rank 0 alone reads the files. A model whose configuration
    says that its embeddings are one matrix is opened whole: if its files hold two, transformers
    finds out by comparing them, and pieces that are not there look alike.

    Args:
        config: Names the model.
        used: Ids in the training rows.
        template: The chat template that they were laid out with.

    Raises:
        ModelError: there is no such model, or it does not load.
        ConfigError: the adapters do not fit.
    """
    source = base_path(config)
    try:
        published = AutoConfig.from_pretrained(source, revision=config.revision)
        tokenizer = AutoTokenizer.from_pretrained(source, revision=config.revision)
        check_kind(published.to_dict(), config)
        is_one = getattr(published.get_text_config(), "tie_word_embeddings", True)
        with opened_whole() if is_one else nullcontext():
            model = _open_weights(config)
    except (OSError, ValueError, ImportError) as error:
        reason = " ".join(str(error).split())
        raise ModelError(f"train.model={config.model} cannot be opened: {reason}") from error
    if config.objective is Objective.seq2seq:
        _mend_pairs(model, tokenizer)
    n_known = len(tokenizer)
    tokenizer.add_tokens(config.added_tokens)
    tokenizer.chat_template = template
    mend_generation(model)
    ended = model.generation_config.eos_token_id
    with opened_whole() if is_one else nullcontext():
        new = begin_tokens(model, tokenizer, used, n_known)
    if config.tuning is Tuning.lora:
        ids, is_one_dtype = [*new.added, *new.untrained], config.deepspeed == "zero3"
        model = add_adapters(model, config.lora, ids, is_one_dtype=is_one_dtype)
    return Opened(
        model=model,
        tokenizer=tokenizer,
        dtype=published.get_text_config().dtype or torch.float32,
        stop_ids=ended if isinstance(ended, list) else [] if ended is None else [ended],
        new=new,
    )


def _open_weights(config: TrainConfig) -> Any:
    is_lora = config.tuning is Tuning.lora
    is_half = uses_bf16(config) and (config.deepspeed != "none" or is_lora)
    is_pairs = config.objective is Objective.seq2seq
    home = AutoModelForSeq2SeqLM if is_pairs else AutoModelForCausalLM
    return home.from_pretrained(
        base_path(config),
        revision=config.revision,
        dtype=torch.bfloat16 if is_half else torch.float32,
        attn_implementation=attention_kernel(config),
    )


def _mend_pairs(model: Any, tokenizer: Any) -> None:
    """Make a T5 as its checkpoint has it: what pads is known, and a head of its own stays one.

    transformers says of every T5 that its head and embeddings are one matrix. Those of T5 v1.1 and
    FRED-T5 are two; they load well, but would become one when the embeddings grow.
    """
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.convert_ids_to_tokens(model.config.pad_token_id)
    if model.get_output_embeddings().weight is not model.get_input_embeddings().weight:
        model.config.tie_word_embeddings = False
