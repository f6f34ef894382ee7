"""Open the tokenizer of the model that is trained, and choose its template."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from transformers import AutoConfig, AutoTokenizer

from opencharacter.config import ModelConfig, TokenizeConfig, TrainConfig
from opencharacter.errors import ModelError
from opencharacter.llm.opening import model_path
from opencharacter.train.opened import OpenTokenizer
from opencharacter.train.templates import choose_template

_LONGEST = 4096  # tokens, unless more are asked for


def open_tokenizer(train: TrainConfig, config: TokenizeConfig) -> OpenTokenizer:
    """Open the tokenizer of `train.model`.

    Raises:
        ModelError: it cannot be opened, is none of the `tokenizers` library, or has no template.
    """
    folder = Path(train.model).expanduser()
    if train.model.startswith(("/", "./", "../", "~")) and not folder.is_dir():
        raise ModelError(f"there is no folder {folder}; check train.model")
    path = model_path(ModelConfig(model=train.model, revision=train.revision))
    where = {"revision": train.revision} if train.revision and not Path(path).is_dir() else {}
    try:
        tokenizer = AutoTokenizer.from_pretrained(path, **where)
    except (OSError, ValueError) as error:
        line = str(error).strip().partition("\n")[0]
        raise ModelError(
            f"cannot open the tokenizer of {train.model}: {line}; check train.model, "
            "train.revision and the connection to the hub"
        ) from error
    tokenizer.add_tokens(train.added_tokens)
    return describe(tokenizer, config, model=train.model, most=_positions(path, where))


def describe(tokenizer: Any, config: TokenizeConfig, *, model: str, most: int) -> OpenTokenizer:
    """Return what encoding needs of a tokenizer.

    Args:
        tokenizer: Of transformers.
        config: Names the template.
        model: Its name, for errors.
        most: Tokens that the model takes.

    Raises:
        ModelError: it is none of the `tokenizers` library, or has no template.
    """
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        raise ModelError(
            f"the tokenizer of {model} is none of the `tokenizers` library; save it as a fast one "
            "(tokenizer.json), or choose another model"
        )
    control = {
        token.content: number
        for number, token in backend.get_added_tokens_decoder().items()
        if token.special
    }
    special = tokenizer.special_tokens_map.items()
    names = {name: str(token) for name, token in special if not isinstance(token, list)}
    own = tokenizer.chat_template if isinstance(tokenizer.chat_template, str) else None
    return OpenTokenizer(
        json=backend.to_str(),
        names=names,
        control=control,
        template=choose_template(config.template, control, own, model=model),
        longest=min(most, int(tokenizer.model_max_length), _LONGEST),
    )


def _positions(path: str, where: Mapping[str, str]) -> int:
    """Return how many tokens a model takes; many if its configuration does not say."""
    try:
        config = AutoConfig.from_pretrained(path, **where).to_dict()
    except (OSError, ValueError, json.JSONDecodeError):
        return _LONGEST  # a folder with nothing but a tokenizer
    return int(config.get("max_position_embeddings") or _LONGEST)
