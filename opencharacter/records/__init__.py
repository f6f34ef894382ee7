"""What flows through the pipeline: frozen records, each with an id and the ids of its parents.

Persona -> Character -> Response <- Instruction; Response -> MixtureRow -> Tokens -> Checkpoint;
EvalItem -> Transcript -> Score. From any record the parent ids lead back to a persona.
"""

from opencharacter.records.data import (
    Call,
    Character,
    Instruction,
    Message,
    Method,
    MixtureRow,
    Persona,
    Rejection,
    Response,
    Role,
    Split,
    Usage,
    persona_id,
    to_row,
)
from opencharacter.records.evaluation import (
    Control,
    Domain,
    EvalItem,
    Failure,
    Loss,
    Score,
    Transcript,
    UserFailure,
)
from opencharacter.records.training import Checkpoint, Tokens

__all__ = [
    "Call",
    "Character",
    "Checkpoint",
    "Control",
    "Domain",
    "EvalItem",
    "Failure",
    "Instruction",
    "Loss",
    "Message",
    "Method",
    "MixtureRow",
    "Persona",
    "Rejection",
    "Response",
    "Role",
    "Score",
    "Split",
    "Tokens",
    "Transcript",
    "Usage",
    "UserFailure",
    "persona_id",
    "to_row",
]
