"""Open the tokenizer of the model that is trained, and choose its template."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from transformers import AutoConfig, AutoTokenizer

from opencharacter.config import ModelConfig, TokenizeConfig, TrainConfig
from opencharacter.errors import ModelError
from opencharacter.ids import digest
from opencharacter.llm.opening import model_path
from opencharacter.train.templates import ChosenTemplate, choose_template

_LONGEST = 4096  # tokens, unless more are asked for


class OpenTokenizer(NamedTuple):
    """A tokenizer as plain values: what processes hand to each other."""

    json: str
    """As `tokenizers` writes it."""
    names: Mapping[str, str]
    """What templates call special tokens, such as `bos_token`."""
    control: Mapping[str, int]
    """Every control token, with its id."""
    template: ChosenTemplate
    longest: int
    """Tokens that the model takes; no more than 4,096 of them."""

    @property
    def version(self) -> str:
        """Hash of the tokenizer and its special tokens."""
        return digest(self.json, sorted(self.names.items()))[:16]


def open_tokenizer(train: TrainConfig, config: TokenizeConfig) -> OpenTokenizer:
    """Open the tokenizer of `train.model`.

    Raises:
        ModelError: it cannot be opened, is none of the `tokenizers` library, or has no template.
    """
    path = model_path(ModelConfig(model=train.model, revision=train.revision))
    where = {"revision": train.revision} if train.revision and not Path(path).is_dir() else {}
    try:
        tokenizer = AutoTokenizer.from_pretrained(path, **where)
    except (OSError, ValueError) as error:
        line = str(error).strip().partition("\n")[0]
        raise ModelError(f"cannot open the tokenizer of {train.model}: {line}") from error
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
