"""Open the tokenizer of the model that is trained, and choose its template."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from transformers import AutoConfig, AutoTokenizer

from opencharacter.config import Objective, Template, TokenizeConfig, TrainConfig
from opencharacter.errors import ModelError
from opencharacter.train.base import base_path
from opencharacter.train.opened import OpenTokenizer
from opencharacter.train.plain import open_plain
from opencharacter.train.templates import ChosenTemplate, choose_template

_LONGEST = 4096  # tokens, unless more are asked for
_TOKENIZERS = ("tokenizer.json", "*.model", "vocab.*")
"""Files that a tokenizer is made of, in the formats that transformers reads."""


def open_tokenizer(train: TrainConfig, config: TokenizeConfig) -> OpenTokenizer:
    """Open the tokenizer of `train.model`.

    Raises:
        ModelError: it cannot be opened, is none of the `tokenizers` library, or has no template.
    """
    path = base_path(train)
    where = {"revision": train.revision} if train.revision and not Path(path).is_dir() else {}
    try:
        tokenizer = AutoTokenizer.from_pretrained(path, **where)
    except (OSError, ValueError) as error:
        raise _not_opened(train, Path(path), error) from error
    tokenizer.add_tokens(train.added_tokens)
    published = _published(path, where)
    check_kind(published, train)
    most = int(published.get("max_position_embeddings") or _LONGEST)
    if train.objective is Objective.causal:
        return describe(tokenizer, config, model=train.model, most=most)
    stop = published.get("eos_token_id")
    end = tokenizer.eos_token if stop is None else tokenizer.convert_ids_to_tokens(stop)
    return describe_plain(tokenizer, config, model=train.model, end=end or "")


def _not_opened(train: TrainConfig, path: Path, error: Exception) -> ModelError:
    """Return what to do about a tokenizer that does not open, of a folder or of the hub."""
    line = str(error).strip().partition("\n")[0]
    told = f"cannot open the tokenizer of {train.model}: {line}"
    if not path.is_dir():
        return ModelError(
            f"{told}; check train.model, train.revision and the connection to the hub, or give a "
            "folder: train.model=/path (with HF_HUB_OFFLINE=1 this is told at once)"
        )
    if not any(any(path.glob(name)) for name in _TOKENIZERS):
        return ModelError(
            f"no tokenizer.json in {path}; copy the files of the model's tokenizer there, or "
            "choose another train.model"
        )
    return ModelError(f"{told}; check the files of the tokenizer in that folder")


def check_kind(published: Mapping[str, Any], train: TrainConfig) -> None:
    """See to it that the objective is one for a model of this kind.

    Args:
        published: Its configuration; empty = not known.
        train: Names model and objective.

    Raises:
        ModelError: it is not.
    """
    has_encoder, is_pairs = (
        published.get("is_encoder_decoder"),
        train.objective is not Objective.causal,
    )
    if published and bool(has_encoder) is not is_pairs:
        kind = "an encoder-decoder" if has_encoder else "a causal"
        right = Objective.seq2seq if has_encoder else Objective.causal
        raise ModelError(
            f"{train.model} is {kind} model, and train.objective={train.objective}; set "
            f"train.objective={right}"
        )


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
    backend, control, names = _known(tokenizer, model)
    own = tokenizer.chat_template if isinstance(tokenizer.chat_template, str) else None
    return OpenTokenizer(
        json=backend.to_str(),
        names=names,
        control=control,
        template=choose_template(config.template, control, own, model=model),
        longest=min(most, int(tokenizer.model_max_length), _LONGEST),
    )


def describe_plain(
    tokenizer: Any, config: TokenizeConfig, *, model: str, end: str
) -> OpenTokenizer:
    """Return what encoding needs of the tokenizer of an encoder-decoder model.

    Args:
        tokenizer: Of transformers.
        config: Has the lines of the plain text.
        model: Its name, for errors.
        end: Token that ends an answer, unless the configuration names one.

    Raises:
        ModelError: it is none of the `tokenizers` library, or a token is none of its vocabulary.
    """
    if config.template not in (Template.auto, Template.plain):
        raise ModelError(
            f"tokenize.template={config.template} is a layout of causal models; an encoder reads "
            "tokenize.template=plain"
        )
    backend, control, names = _known(tokenizer, model)
    plain = open_plain(backend, config.plain, end=end, model=model)
    tokens = [*plain.before, *plain.after, plain.end]
    return OpenTokenizer(
        json=backend.to_str(),
        names=names,
        control=control | {token: backend.token_to_id(token) for token in tokens},
        template=ChosenTemplate(Template.plain, plain.template()),
        longest=min(int(tokenizer.model_max_length), _LONGEST),
        plain=plain,
    )


def _known(tokenizer: Any, model: str) -> tuple[Any, dict[str, int], dict[str, str]]:
    """Return the tokenizer below, its control tokens, and what templates call some of them."""
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
    return backend, control, names


def _published(path: str, where: Mapping[str, str]) -> Mapping[str, Any]:
    """Return a model's configuration; nothing of a folder with nothing but a tokenizer."""
    try:
        found: dict[str, Any] = AutoConfig.from_pretrained(path, **where).to_dict()
    except (OSError, ValueError, json.JSONDecodeError):
        return {}
    return found
