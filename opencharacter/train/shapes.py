"""The shape of a model: how many weights stand where, from its configuration alone."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from opencharacter.config import TrainConfig
from opencharacter.train.base import base_path

_LLAMA3_8B = {
    "hidden_size": 4096,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "intermediate_size": 14336,
    "vocab_size": 128256,
    "tie_word_embeddings": False,
}
_LLAMA3_70B = _LLAMA3_8B | {
    "hidden_size": 8192,
    "num_hidden_layers": 80,
    "num_attention_heads": 64,
    "intermediate_size": 28672,
}
KNOWN: Mapping[str, Mapping[str, Any]] = {
    "meta-llama/Meta-Llama-3-8B": _LLAMA3_8B,
    "meta-llama/Meta-Llama-3-8B-Instruct": _LLAMA3_8B,
    "meta-llama/Llama-3.1-8B": _LLAMA3_8B,
    "meta-llama/Llama-3.1-8B-Instruct": _LLAMA3_8B,
    "meta-llama/Meta-Llama-3-70B": _LLAMA3_70B,
    "meta-llama/Meta-Llama-3-70B-Instruct": _LLAMA3_70B,
}
"""What the config.json of gated models says, for a plan without the hub."""


class Shape(NamedTuple):
    """A decoder of the LLaMA kind: attention with grouped heads and a gated feed-forward."""

    layers: int
    hidden: int
    attention_width: int
    """Heads times their size."""
    key_value_width: int
    intermediate: int
    vocabulary: int
    is_tied: bool
    """Input and output embeddings are one matrix."""

    @property
    def layer(self) -> int:
        """Weights of the matrices of one layer."""
        attention = 2 * self.hidden * (self.attention_width + self.key_value_width)
        return attention + 3 * self.hidden * self.intermediate

    @property
    def multiplied(self) -> int:
        """Weights that each token is multiplied with: the layers and the output embedding."""
        return self.layers * self.layer + self.hidden * self.vocabulary

    @property
    def weights(self) -> int:
        """All weights."""
        norms = (2 * self.layers + 1) * self.hidden
        return self.multiplied + norms + (0 if self.is_tied else self.hidden * self.vocabulary)

    def adapters(self, rank: int) -> int:
        """Return the weights of adapters of a rank at every matrix of every layer."""
        outer = (self.hidden + self.attention_width) * 2  # queries and output
        outer += (self.hidden + self.key_value_width) * 2  # keys and values
        outer += (self.hidden + self.intermediate) * 3
        return self.layers * outer * rank


def read_shape(config: Mapping[str, Any]) -> Shape:
    """Return the shape that a `config.json` describes.

    Raises:
        KeyError: it describes no decoder of this kind.
    """
    heads = config["num_attention_heads"]
    size = config.get("head_dim") or config["hidden_size"] // heads
    return Shape(
        layers=config["num_hidden_layers"],
        hidden=config["hidden_size"],
        attention_width=heads * size,
        key_value_width=config.get("num_key_value_heads", heads) * size,
        intermediate=config["intermediate_size"],
        vocabulary=config["vocab_size"],
        is_tied=bool(config.get("tie_word_embeddings", False)),
    )


def known_shape(config: TrainConfig) -> Shape | None:
    """Return the shape of the model without the hub; None = not known here.

    Raises:
        ModelError: there is no such folder.
    """
    path = base_path(config)
    if path in KNOWN:
        return read_shape(KNOWN[path])
    file = Path(path) / "config.json"
    try:
        return read_shape(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError):
        return None
