"""Records of training: MixtureRow -> Tokens -> Checkpoint."""

from dataclasses import dataclass, field
from typing import Annotated

from opencharacter.ids import content_id
from opencharacter.records.data import Method

TokenId = Annotated[int, "int32"]
"""A number that files hold in 32 bits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """One training dialogue as ids, with labels where something is learned."""

    row_id: str
    """Of the mixture row."""
    character_id: str
    instruction_id: str
    persona_id: str
    source: str
    method: Method
    weight: float
    licence: str = "unknown"
    """Of the mixture row."""
    tokenizer: str
    """Hash of the tokenizer and its special tokens."""
    template: str
    """`name@hash` of the chat template."""
    dropped_turns: int
    """Messages left out at the end, because the dialogue was too long."""
    n_supervised: int
    """Labels that are not -100."""
    input_ids: tuple[TokenId, ...]
    labels: tuple[TokenId, ...]
    """As long as `input_ids`; -100 where nothing is learned."""
    id: str = field(init=False)

    def __post_init__(self) -> None:
        """Hash the identity."""
        object.__setattr__(
            self, "id", content_id("tokens", self.row_id, self.tokenizer, self.template)
        )


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
