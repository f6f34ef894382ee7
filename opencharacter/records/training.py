"""Records of training: MixtureRow -> Tokens -> Checkpoint."""

from dataclasses import dataclass, field
from typing import Annotated

from opencharacter.ids import content_id
from opencharacter.records.data import Method

TokenId = Annotated[int, "int32"]
"""A number that files hold in 32 bits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """What is learned of a dialogue, as ids: all its turns in one row, or one turn of it.

    For a causal model a row is a dialogue, and the labels stand on its ids. For an encoder-decoder
    model (`turn` is not -1) a row is one turn of the assistant: `input_ids` is what the encoder
    reads, and `labels` what the decoder says, all of it learned.
    """

    row_id: str
    """Of the mixture row."""
    character_id: str
    instruction_id: str
    persona_id: str
    source: str
    method: Method
    licence: str = "unknown"
    """Of the mixture row."""
    tokenizer: str
    """Hash of the tokenizer and its special tokens."""
    template: str
    """`name@hash` of the chat template."""
    turn: int = -1
    """Place of the message that the decoder says; -1 = a causal model's row, of all turns."""
    dropped_turns: int
    """Messages left out because the dialogue was too long: at its end, or of what an encoder reads
    at its beginning."""
    n_supervised: int
    """Labels that are not -100."""
    input_ids: tuple[TokenId, ...]
    labels: tuple[TokenId, ...]
    """As long as `input_ids`, with -100 where nothing is learned; of an encoder-decoder model the
    decoder's ids."""
    id: str = field(init=False)

    def __post_init__(self) -> None:
        """Hash the identity."""
        turn = () if self.turn < 0 else (self.turn,)
        found = content_id("tokens", self.row_id, self.tokenizer, self.template, *turn)
        object.__setattr__(self, "id", found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A trained model."""

    mixture: str
    """Fingerprint of the tokens it was trained on."""
    base: str
    """`model@revision` it began as."""
    settings: str
    """Hash of the settings of the training."""
    code: str
    """Version of opencharacter."""
    path: str
    """Folder of the model, below the stage's folder."""
    step: int
    """Optimizer steps of the model that was kept."""
    epoch: float
    """Passes over the training rows, of the model that was kept."""
    chosen: str
    """Why this model was kept, in words."""
    train_loss: float
    """Mean loss of the last logged steps, in nats a supervised token."""
    character_loss: float | None
    """On held-out characters, in nats a supervised token; None = none were held out."""
    dialogue_loss: float | None
    """On held-out dialogues of trained characters; None = none were held out."""
    forgetting_loss: float | None
    """On general instructions; None = there were none."""
    licence: str
    id: str = field(init=False)

    def __post_init__(self) -> None:
        """Hash the identity."""
        parts = (self.mixture, self.base, self.settings, self.code)
        object.__setattr__(self, "id", content_id("checkpoint", *parts))
