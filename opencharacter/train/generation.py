"""What a model says of how it is asked: when to stop, and settings that fit each other."""

from collections.abc import Iterable
from typing import Any

from transformers import GenerationConfig

_KEPT = ("bos_token_id", "eos_token_id", "pad_token_id")


def mend_generation(model: Any) -> None:
    """Make the generation settings of a published model such that transformers writes them.

    Some models come with a temperature and without `do_sample` (LLaMA-2 chat did). They load, and
    transformers then refuses to save them: after the training. A model with a temperature is meant
    to be sampled; of settings that fit in no way the tokens stay.
    """
    settings = model.generation_config
    if _is_valid(settings):
        return
    settings.do_sample = True
    if not _is_valid(settings):
        kept = {name: value for name, value in settings.to_dict().items() if name in _KEPT}
        model.generation_config = GenerationConfig(**kept)


def stop_tokens(stop: int, *others: int | Iterable[int] | None) -> list[int]:
    """Return all tokens that end an answer, each once, that of the template first.

    Args:
        stop: What each supervised turn ends with.
        others: What the model, its settings and its tokenizer end with.
    """
    found = [stop]
    for other in others:
        found += [] if other is None else [other] if isinstance(other, int) else list(other)
    return list(dict.fromkeys(found))


def _is_valid(settings: Any) -> bool:
    try:
        settings.validate(strict=True)
    except ValueError:
        return False
    return True
