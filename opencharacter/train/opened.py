"""What encoding needs of a tokenizer, as plain values that processes hand to each other."""

from collections.abc import Mapping
from typing import NamedTuple

from opencharacter.ids import digest
from opencharacter.train.templates import ChosenTemplate


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
