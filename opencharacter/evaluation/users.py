"""A model plays the user: it wants something, and goes on from what it is told.

It sees the dialogue with the roles turned round and a goal of `eval/templates/multi_turn_users`,
and nothing else: of whom it talks with it knows what a stranger would, which is what it is told.
What it says is never the candidate's doing, so its failures have types of their own, and a turn
that cannot be used may be drawn again: nothing of it is scored.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from opencharacter.checks.breaking import breaks_character
from opencharacter.ids import request_seed
from opencharacter.llm.requests import Completion, Finish, Request, Sampling, add_usage
from opencharacter.records import EvalItem, Message, Role, Usage, UserFailure
from opencharacter.sources.lines import storable

_BEGIN = "(They have noticed you. You speak first.)"
"""First message to the simulator: many chat templates refuse a dialogue that an answer opens."""


class Unusable(NamedTuple):
    """Why a user's turn cannot be said to anybody."""

    failure: UserFailure
    detail: str


class Said(NamedTuple):
    """What came of a user's turn."""

    text: str
    """Empty = nothing that can be used, in any attempt."""
    unusable: Unusable | None
    """Of the last attempt."""
    usage: Usage
    """Of all attempts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedUser:
    """A model that plays the user of a dialogue."""

    sampling: Sampling
    retries: int
    """Further attempts at a turn that cannot be used."""
    seed: int
    """The run's."""

    def speak(
        self, item: EvalItem, dialogue: Sequence[Message], *, turn: int, sample: int
    ) -> Generator[Request, Completion, Said]:
        """Ask for the user's next turn.

        Args:
            item: With `user` and `goal`; nothing else of it is shown.
            dialogue: So far, without a system prompt: user and assistant in turn.
            turn: Of the user, from 0.
            sample: Of the item.
        """
        messages = tuple(turned_round(item.goal, dialogue))
        usage, unusable = Usage(), None
        for attempt in range(self.retries + 1):
            seed = request_seed(self.seed, f"{item.id}/{sample}", "user", turn, attempt)
            completion = yield Request(
                messages=messages, sampling=self.sampling, seed=seed, to=item.user
            )
            usage = add_usage(usage, completion)
            unusable = unusable_of(completion, dialogue)
            if unusable is None:
                return Said(storable(completion.text.strip()), None, usage)
        return Said("", unusable, usage)


def turned_round(goal: str, dialogue: Sequence[Message]) -> list[Message]:
    """Return a dialogue as its user sees it: own turns are answers, the other's are questions."""
    turned = {Role.user: Role.assistant, Role.assistant: Role.user}
    seen = [Message(role=turned[m.role], content=m.content) for m in dialogue]
    begin = Message(role=Role.user, content=_BEGIN)
    return [Message(role=Role.system, content=goal), begin, *seen]


def unusable_of(completion: Completion, dialogue: Sequence[Message]) -> Unusable | None:
    """Return why a user's turn cannot be said, or None."""
    text = completion.text.strip()
    match completion.finish:
        case Finish.length | Finish.repetition:
            return Unusable(UserFailure.truncated, text)
        case Finish.filtered:
            return Unusable(UserFailure.refusal, "the server's filter stepped in")
        case Finish.error | Finish.too_long:
            return Unusable(UserFailure.error, text or str(completion.finish))
    if not text:
        return Unusable(UserFailure.empty, "the model said nothing")
    if any(_plain(text) == _plain(message.content) for message in dialogue):
        return Unusable(UserFailure.repeats, text)
    plain = text.lower().replace("\u2019", "'")
    if refused := breaks_character(plain, is_machine=True):
        return Unusable(UserFailure.refusal, refused)
    if said := breaks_character(plain, is_machine=False):
        return Unusable(UserFailure.leaves_role, said)
    return None


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
