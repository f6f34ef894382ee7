"""Replies made up from the request alone: for unit tests and dry runs, never a default.

The replies have the right form and say so little that nobody could take them for a model's.
"""

import json
from collections import Counter
from collections.abc import Callable
from itertools import pairwise

from opencharacter.config import ModelConfig
from opencharacter.ids import stable_fraction, stable_number
from opencharacter.llm.requests import Completion, Finish, Request
from opencharacter.records import Role

Reply = Callable[[Request], str | Completion]

_FIRST_NAMES = ("Amara", "Bruno", "Chiara", "Esther", "Farid", "Hiro", "Ines", "Jakub", "Olga")
_STEMS = ("Abel", "Brand", "Dal", "Eker", "Falk", "Hall", "Kov", "Mar", "Nov", "Quist", "Ros")
_ENDINGS = ("ado", "berg", "en", "ier", "ini", "ova", "son", "ura", "wala")
_PLACES = ("Accra, Ghana", "Bergen, Norway", "Cusco, Peru", "Hanoi, Vietnam", "Turin, Italy")
_GENDERS = ("female", "male", "nonbinary")
_LOOKS = ("a grey coat", "round glasses", "a green scarf", "sturdy boots", "a silver ring")
_MANNERS = ("patient and dry", "warm and talkative", "blunt and quick", "shy and exact")
_LONGEST_PERSONA = 1000
_QUOTED_WORDS = 4
_FINAL_SCORE = "Therefore, the final score is"


def open_scripted(config: ModelConfig) -> "ScriptedModel":
    """Return a model that answers with `scripted_reply`, as many requests at once as `seats`."""
    name = f"{config.model}@scripted"
    window = max(1, round(1.25 * config.seats))

    def reply(request: Request) -> str | Completion:
        words = sum(len(message.content.split()) for message in request.messages)
        if words <= config.max_length:
            if request.is_measured:
                return scripted_losses(request)
            return scripted_label(request) if request.labels else scripted_reply(request)
        text = f"the prompt has {words} words, the script takes {config.max_length}"
        return Completion(text=text, finish=Finish.too_long, prompt_tokens=words)

    return ScriptedModel(reply, window=window, name=name)


class ScriptedModel:
    """A `Model` that answers each request with `reply(request)`; see `llm.requests`.

    `collect` returns half of what is in flight (at least one), chosen and ordered by a hash of each
    request: code whose result hangs on the order of completion shows itself, and always alike.
    """

    def __init__(self, reply: Reply, *, window: int = 8, name: str = "scripted@1") -> None:
        self.name = name
        self.engine = "scripted 1"
        self.window = window
        self.calls: Counter[str] = Counter()
        """How often each request was asked, by its key."""
        self._reply = reply
        self._in_flight: dict[int, tuple[str, Request]] = {}

    def submit(self, ticket: int, request: Request) -> None:
        """Start a request; `ticket` comes back with its completion."""
        key = request.key(self.name)
        self.calls[key] += 1
        self._in_flight[ticket] = (key, request)

    def collect(self, wait_s: float = 1.0) -> list[tuple[int, Completion]]:
        """Return the completions of half of the requests in flight; of none, an empty list."""
        order = sorted(self._in_flight, key=lambda ticket: (self._in_flight[ticket][0], ticket))
        finished = order[: (len(order) + 1) // 2]
        return [(ticket, self._complete(self._in_flight.pop(ticket)[1])) for ticket in finished]

    def close(self) -> None:
        """Drop what is in flight."""
        self._in_flight.clear()

    def _complete(self, request: Request) -> Completion:
        reply = self._reply(request)
        if isinstance(reply, Completion):
            return reply
        return Completion(
            text=reply,
            finish=Finish.stop,
            prompt_tokens=sum(len(message.content.split()) for message in request.messages),
            output_tokens=len(reply.split()),
        )


def scripted_reply(request: Request) -> str:
    """Return what the scripted teacher says: a profile, a dialogue, a verdict, or a sentence.

    Which of them the request's schema decides. Tokens are counted as words between white space.
    """
    prompt = next(m.content for m in reversed(request.messages) if m.role is Role.user)
    number = stable_number("scripted", prompt, request.seed)
    properties = (request.schema or {}).get("properties", {})
    if "birth_place" in properties:
        return _profile(_after(prompt, "# Persona\n"), number)
    if "dialogue" in properties:
        return _rewritten(prompt)
    if _FINAL_SCORE in prompt:
        return _graded(number, prompt.count(_FINAL_SCORE) - 1)  # once around all, once in each
    if "points" in properties:
        scale = properties["points"]["enum"]
        return json.dumps({"points": scale[number % len(scale)]})
    if "contradictions" in properties:
        return _verdict(prompt, number)
    return _sentence(prompt, number)


def scripted_label(request: Request) -> Completion:
    """Return a label with probabilities that are a hash of the prompt; a few are no verdict."""
    prompt = request.messages[-1].content
    weights = [stable_fraction("label", prompt, label) ** 2 for label in request.labels]
    mass = 0.1 if stable_number("mass", prompt) % 50 == 0 else 0.95
    told = tuple(mass * weight / sum(weights) for weight in weights)
    said = request.labels[told.index(max(told))]
    words = sum(len(message.content.split()) for message in request.messages)
    return Completion(
        text=said, finish=Finish.stop, prompt_tokens=words, output_tokens=1, probabilities=told
    )


def scripted_losses(request: Request) -> Completion:
    """Return a loss of up to four nats for each word of the assistant's and the end of its turns.

    It is a hash of the word and of the one before it.
    """
    said = [[*m.content.split(), "<end>"] for m in request.messages if m.role is Role.assistant]
    losses = tuple(
        4 * stable_fraction("loss", before, word)
        for turn in said
        for before, word in pairwise(["<begin>", *turn])
    )
    words = sum(len(message.content.split()) for message in request.messages)
    text = f"{sum(losses):.2f} nats in {len(losses)} tokens"
    return Completion(text=text, finish=Finish.stop, prompt_tokens=words, losses=losses)


def _after(prompt: str, heading: str) -> str:
    """Return what stands after the last `heading`; the whole prompt where there is none."""
    return prompt.rpartition(heading)[2].strip()


def _profile(persona: str, number: int) -> str:
    """Return a profile that is a hash of the prompt, with the persona's words in it."""
    years = 5 + stable_number(number, "years") % 30
    surname = _pick(_STEMS, number, "stem") + _pick(_ENDINGS, number, "ending")
    fields = {
        "name": f"{_pick(_FIRST_NAMES, number, 'first name')} {surname}",
        "age": 20 + years,
        "gender": _pick(_GENDERS, number, "gender"),
        "race": "not stated",
        "birth_place": _pick(_PLACES, number, "place"),
        "appearance": f"Always seen with {_pick(_LOOKS, number, 'look')}.",
        "experience": f"The past {years} years fit one line: {persona[:_LONGEST_PERSONA]}",
        "personality": f"In conversation {_pick(_MANNERS, number, 'manner')}.",
    }
    return json.dumps(fields, ensure_ascii=False)


def _pick(choices: tuple[str, ...], number: int, what: str) -> str:
    return choices[stable_number(number, what) % len(choices)]


def _rewritten(prompt: str) -> str:
    """Return the prompt's dialogue, each answer introduced by the character, otherwise kept."""
    turns = json.loads(_after(prompt, "# Dialogue\n"))["dialogue"]
    name = _after(prompt.partition("# Dialogue\n")[0], "\nName: ").partition("\n")[0]
    rewritten = [
        {"user": turn["user"], "assistant": f"{name} would put it so: {turn['assistant']}"}
        for turn in turns
    ]
    return json.dumps({"dialogue": rewritten}, ensure_ascii=False)


def _verdict(prompt: str, number: int) -> str:
    """Return nothing found of most dialogues; of others real quotations, or invented ones."""
    turns, _ = json.JSONDecoder().raw_decode(_after(prompt, "# Dialogue\n"))
    said = " ".join(turns["dialogue"][-1]["assistant"].split()[:_QUOTED_WORDS])
    name = prompt.partition("\nName: ")[2].partition("\n")[0]
    chosen = {0: [said], 1: ["what nobody said"]}.get(number % 6, [])
    found = [{"said": words, "fact": name} for words in chosen]
    return json.dumps({"contradictions": found}, ensure_ascii=False)


def _graded(number: int, answers: int) -> str:
    """Return evaluations in PersonaGym's form, now and then one without its last sentence."""
    points = [stable_number(number, place) % 6 for place in range(answers)]
    ends = [f" {_FINAL_SCORE} {each}." if each else "" for each in points]
    return "\n".join(f"({n}) Evaluation: as scripted.{end}" for n, end in enumerate(ends, start=1))


def _sentence(prompt: str, number: int) -> str:
    words = [word.strip(".,;:!?\"'()") for word in prompt.split()]
    named = [word for word in words if len(word) > 3][:_QUOTED_WORDS] or ["that"]
    return f"You speak of {', '.join(named)}; I have {2 + number % 97} things to say about it."
