"""Looking at a stage before it is run: rendered prompts, answers and what became of them."""

from dataclasses import asdict
from itertools import count, islice
from typing import Any, TypeVar

from opencharacter.llm.requests import Model, Session
from opencharacter.llm.sessions import Admitted, run_sessions
from opencharacter.llm.work import Plan
from opencharacter.progress import show_dialogue
from opencharacter.records import Message, Rejection, Role
from opencharacter.store.claims import Part

Outcome = TypeVar("Outcome")

_HIDDEN = ("call", "usage", "messages", "id")  # of a record: shown above, or no content


def preview(plan: Plan[Any], model: Model, n: int) -> None:
    """Do the first `n` pieces of work and print what was asked, answered and made of it.

    Nothing is logged or kept.
    """
    work = islice(plan.sessions(Part(0, 1)), n)
    log = _NoLog()
    sessions = (Admitted(key, _watched(key, session), log) for key, session in work)
    for key, result in run_sessions(model, sessions):
        print(f"\n== {key}: {_shown(result)}")


class _NoLog:
    """Keeps no completion."""

    def get(self, key: str) -> None:
        """Return None: nothing was kept."""

    def append(self, key: str, completion: dict[str, Any]) -> None:
        """Keep nothing."""


def _watched(key: str, session: Session[Outcome]) -> Session[Outcome]:
    """Pass a session through, printing every call."""
    request = next(session)
    for number in count(1):
        completion = yield request
        answer = Message(role=Role.assistant, content=completion.text)
        title = f"{key}, call {number}, {completion.finish}, {completion.output_tokens} tokens"
        print("\n" + show_dialogue(title, [*request.messages, answer]))
        try:
            request = session.send(completion)
        except StopIteration as end:
            result: Outcome | Rejection = end.value
            return result
    raise AssertionError("a count does not end")


def _shown(result: Any) -> str:
    if isinstance(result, Rejection):
        return f"rejected, {result.reason}: {result.detail}"
    fields = {name: value for name, value in asdict(result).items() if name not in _HIDDEN}
    return "\n" + "\n".join(f"  {name}: {value}" for name, value in fields.items())
