"""The shape of a model: how many weights stand where, from its configuration alone."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from opencharacter.config import TrainConfig
from opencharacter.train.base import base_path

ALL = ("all-linear",)
"""What PEFT calls every matrix but the output embedding."""

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
_T5 = {"model_type": "t5", "d_kv": 64, "vocab_size": 32128}
_T5_SMALL = _T5 | {"d_model": 512, "d_ff": 2048, "num_layers": 6, "num_heads": 8}
_T5_BASE = _T5 | {"d_model": 768, "d_ff": 3072, "num_layers": 12, "num_heads": 12}
# Layers, width and vocabulary from its card; heads and feed-forward as in T5 v1.1 large, which then
# has the 820 million weights that the card says.
_FRED_T5_LARGE = _T5 | {
    "d_model": 1024,
    "d_ff": 2816,
    "num_layers": 24,
    "num_heads": 16,
    "vocab_size": 50364,
    "feed_forward_proj": "gated-gelu",
    "tie_word_embeddings": False,
}
KNOWN: Mapping[str, Mapping[str, Any]] = {
    "meta-llama/Meta-Llama-3-8B": _LLAMA3_8B,
    "meta-llama/Meta-Llama-3-8B-Instruct": _LLAMA3_8B,
    "meta-llama/Llama-3.1-8B": _LLAMA3_8B,
    "meta-llama/Llama-3.1-8B-Instruct": _LLAMA3_8B,
    "meta-llama/Meta-Llama-3-70B": _LLAMA3_70B,
    "meta-llama/Meta-Llama-3-70B-Instruct": _LLAMA3_70B,
    "google-t5/t5-small": _T5_SMALL,
    "google-t5/t5-base": _T5_BASE,
    "ai-forever/FRED-T5-large": _FRED_T5_LARGE,
}
"""What the config.json of some models says, for a plan without the hub."""


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
    def dense_heads(self) -> int:
        """Heads that keep a number for each pair of tokens: none, with a flash kernel."""
        return 0

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

    @property
    def matrices(self) -> Mapping[str, int]:
        """Inputs and outputs together of the matrices of each name, over all layers."""
        wide = self.layers * (self.hidden + self.intermediate)
        queries = self.layers * (self.hidden + self.attention_width)
        keys = self.layers * (self.hidden + self.key_value_width)
        return {
            "q_proj": queries,
            "k_proj": keys,
            "v_proj": keys,
            "o_proj": queries,
            "gate_proj": wide,
            "up_proj": wide,
            "down_proj": wide,
        }

    def adapters(self, rank: int, targets: Sequence[str] = ALL) -> int:
        """Return the weights of adapters of a rank at the matrices that are named."""
        return rank * _at(self, targets)


class PairShape(NamedTuple):
    """An encoder and a decoder of the T5 kind: all heads alike, one bias for all layers."""

    encoders: int
    """Layers that read."""
    decoders: int
    """Layers that answer; each has two attentions."""
    hidden: int
    attention_width: int
    """Heads times their size."""
    dense_heads: int
    """Heads, which keep a number for each pair of tokens."""
    intermediate: int
    vocabulary: int
    is_gated: bool
    """The feed-forward has three matrices, not two."""
    is_tied: bool
    """Input and output embeddings are one matrix."""

    @property
    def layers(self) -> int:
        """Layers of both."""
        return self.encoders + self.decoders

    @property
    def key_value_width(self) -> int:
        """As wide as the queries."""
        return self.attention_width

    @property
    def projection(self) -> int:
        """Weights of the queries, keys, values or output of one attention."""
        return self.hidden * self.attention_width

    @property
    def wide(self) -> int:
        """Weights of one feed-forward."""
        return (3 if self.is_gated else 2) * self.hidden * self.intermediate

    @property
    def multiplied(self) -> int:
        """Weights that tokens are multiplied with: the layers and the output embedding."""
        attentions = (self.encoders + 2 * self.decoders) * 4 * self.projection
        return attentions + self.layers * self.wide + self.hidden * self.vocabulary

    def products(self, read: float, said: float) -> float:
        """Return how often a weight is multiplied with a token that is read, or said.

        Keys and values of the attention between both are made of what is read.
        """
        encoder = self.encoders * (4 * self.projection + self.wide)
        across = self.decoders * 2 * self.projection
        decoder = self.decoders * (6 * self.projection + self.wide)
        return (encoder + across) * read + (decoder + self.hidden * self.vocabulary) * said

    @property
    def weights(self) -> int:
        """All weights, with the biases of 32 distances for each head (T5's default)."""
        norms = (2 * self.encoders + 3 * self.decoders + 2) * self.hidden
        input_embedding = 0 if self.is_tied else self.hidden * self.vocabulary
        return self.multiplied + norms + input_embedding + 2 * 32 * self.dense_heads

    @property
    def matrices(self) -> Mapping[str, int]:
        """Inputs and outputs together of the matrices of each name, over all layers."""
        attention = (self.encoders + 2 * self.decoders) * (self.hidden + self.attention_width)
        first = ("wi_0", "wi_1") if self.is_gated else ("wi",)
        wide = self.layers * (self.hidden + self.intermediate)
        return dict.fromkeys("qkvo", attention) | dict.fromkeys((*first, "wo"), wide)

    def adapters(self, rank: int, targets: Sequence[str] = ALL) -> int:
        """Return the weights of adapters of a rank at the matrices that are named."""
        return rank * _at(self, targets)


AnyShape = Shape | PairShape


def _at(shape: AnyShape, targets: Sequence[str]) -> int:
    """Return inputs and outputs of the matrices that PEFT would find by their names' ends."""
    if tuple(targets) == ALL:
        return sum(shape.matrices.values())
    ends = {target.rpartition(".")[2] for target in targets}
    head = shape.hidden + shape.vocabulary
    known = {**shape.matrices, "lm_head": head, "embed_tokens": head, "shared": head}
    return sum(size for name, size in known.items() if name in ends)


_T5_KIND = ("t5", "mt5", "longt5", "umt5")


def read_shape(config: Mapping[str, Any]) -> AnyShape:
    """Return the shape that a `config.json` describes.

    Raises:
        KeyError: it describes a model of no kind that is known here.
    """
    if config.get("model_type") in _T5_KIND:
        return PairShape(
            encoders=config["num_layers"],
            decoders=config.get("num_decoder_layers") or config["num_layers"],
            hidden=config["d_model"],
            attention_width=config["num_heads"] * config["d_kv"],
            dense_heads=config["num_heads"],
            intermediate=config["d_ff"],
            vocabulary=config["vocab_size"],
            is_gated=str(config.get("feed_forward_proj", "")).startswith("gated"),
            is_tied=bool(config.get("tie_word_embeddings", True)),
        )
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


def known_shape(config: TrainConfig) -> AnyShape | None:
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
