"""The training dialogues: profiles, answers and rewrites, with the project's own prompts."""

import json
from collections.abc import Iterator
from random import Random
from typing import NamedTuple

from opencharacter.ids import stable_number
from opencharacter.prompts.character import system_message
from opencharacter.prompts.profile import profile_prompt
from opencharacter.prompts.rewrite import rewrite_prompt
from opencharacter.records import Message, Role
from opencharacter.train.embedded.answers import DIRECT, direct_answer, open_answer
from opencharacter.train.embedded.characters import Cast, Named, cast, named
from opencharacter.train.embedded.personas import persona_line
from opencharacter.train.embedded.phrases import instruction, reference, sentence


class Dialogue(NamedTuple):
    """Messages with the character behind them; the assistant's are learned."""

    messages: list[Message]
    cast: Cast


_OPENERS = (
    "As {role}, I put it so: ", "Well, I am {one}, so here it is: ", "I, {first}, would say: ",
    "In {city} we say it plainly: ", "From my own days as {role}: ", "My friend, listen: ",
    "Let me tell you, as {role}: ", "I am {one} and {two}, and I answer: ", "{first} here. ",
    "With pleasure, from {city}: ", "Ah, that one I know. ", "Speaking as {role}: ",
    "Between two hours of {hobby}, my answer: ", "Since you ask {first}: ", "Here is what I know: ",
)  # fmt: skip
_CLOSERS = (
    " That is what {role} would tell you.", " So we say in {city}.", " And now back to {hobby}.",
    " Take it from {first}.", " I stand by that.", " Being {one}, I will leave it there.",
)  # fmt: skip
_BEFORE = ("", "", "", "", "Hi! ", "Hello. ", "By the way, ", "Thanks. ", "Excuse me, ", "Okay. ")
_LENGTHS = (10, 30, 60, 60, 120, 120, 200, 200, 350, 500, 800)
_LONGEST_DIALOGUE = 1500  # characters of all references together: the context holds them twice


class Shares(NamedTuple):
    """Of all dialogues; the rest are rewrites."""

    profiles: float
    interviews: float
    answers: float


MIXED = Shares(profiles=0.36, interviews=0.12, answers=0.3)
"""As the model is used."""

INTERVIEWS = Shares(profiles=0.4, interviews=0.6, answers=0.0)
"""Many facts for few tokens: with these the model learns where in a profile to look."""


def dialogues(seed: int, *, heldout: bool = False, shares: Shares = MIXED) -> Iterator[Dialogue]:
    """Yield dialogues without end, mixed by `shares`."""
    random = Random(stable_number("embedded dialogues", seed, heldout))
    while True:
        draw = random.random()
        if draw < shares.profiles:
            yield profile_dialogue(random, heldout=heldout)
        elif draw < shares.profiles + shares.interviews:
            yield interview_dialogue(random, heldout=heldout)
        elif draw < shares.profiles + shares.interviews + shares.answers:
            yield answer_dialogue(random, heldout=heldout)
        else:
            yield rewrite_dialogue(random, heldout=heldout)


def profile_dialogue(random: Random, *, heldout: bool = False) -> Dialogue:
    """Return a request for a profile, with name hints or without, and the compact JSON.

    The first of the hints is taken: a small model that shall choose at random mixes names up.
    """
    hints: list[Named] = []
    if random.random() < 0.6:
        hints = [named(random, new=0.25) for _ in range(random.randint(3, 8))]
    line = persona_line(random, heldout=heldout)
    person = cast(random, line, hints[0] if hints else None, is_familiar=True)
    answer = json.dumps(person.fields, ensure_ascii=False, separators=(",", ":"))
    prompt = profile_prompt(line.text, name_hints=[hint.name for hint in hints])
    return Dialogue([Message(role=Role.user, content=prompt), _assistant(answer)], person)


def interview_dialogue(random: Random, *, heldout: bool = False) -> Dialogue:
    """Return every kind of direct question to a character, once, in random order."""
    person = cast(random, persona_line(random, heldout=heldout))
    messages = [system_message(person.character)]
    for about in random.sample(list(DIRECT), len(DIRECT)):
        question = asked(random, random.choice(DIRECT[about]))
        answer = direct_answer(random, person, about)
        messages += [Message(role=Role.user, content=question), _assistant(answer)]
    return Dialogue(messages, person)


def answer_dialogue(random: Random, *, heldout: bool = False) -> Dialogue:
    """Return one to six turns with a character: questions about it and anything else."""
    person = cast(random, persona_line(random, heldout=heldout))
    messages = [system_message(person.character)]
    for _ in range(random.choice((1, 2, 3, 3, 4, 4, 5, 6))):
        if random.random() < 0.4:
            about = random.choice(list(DIRECT))
            question = asked(random, random.choice(DIRECT[about]))
            answer = direct_answer(random, person, about)
        else:
            question = instruction(random)
            answer = open_answer(random, person, question)
        messages += [Message(role=Role.user, content=question), _assistant(answer)]
    return Dialogue(messages, person)


def asked(random: Random, question: str) -> str:
    """Return a direct question as people put it: after a greeting or a sentence, or bare."""
    if random.random() < 0.08:
        return f"{sentence(random)} {question}"
    return random.choice(_BEFORE) + question


def rewrite_dialogue(random: Random, *, heldout: bool = False) -> Dialogue:
    """Return a request to rewrite a dialogue, and the references kept word for word in voice."""
    person = cast(random, persona_line(random, heldout=heldout))
    questions: list[str] = []
    references: list[str] = []
    size = 0
    for _ in range(random.choice((1, 1, 1, 2, 2, 3))):
        text = reference(random, random.choice(_LENGTHS)).strip()
        if references and size + len(text) > _LONGEST_DIALOGUE:
            break
        questions.append(instruction(random))
        references.append(text)
        size += len(text)
    turns = [
        {"user": question, "assistant": in_voice(random, person, text)}
        for question, text in zip(questions, references, strict=True)
    ]
    answer = json.dumps({"dialogue": turns}, ensure_ascii=False, separators=(",", ":"))
    prompt = rewrite_prompt(person.character, questions, references)
    return Dialogue([Message(role=Role.user, content=prompt), _assistant(answer)], person)


def in_voice(random: Random, person: Cast, text: str) -> str:
    """Return `text` after a short opener of the character and, in one case of four, a closer."""
    template = random.choice(_OPENERS), random.choice(_CLOSERS) if random.random() < 0.25 else ""
    city = str(person.fields["birth_place"]).split(", ")[0]
    opener, closer = (
        part.format(
            role=person.role, first=person.first, hobby=person.hobby, city=city,
            one=person.traits[0], two=person.traits[1],
        )
        for part in template
    )  # fmt: skip
    return f"{opener}{text}{closer}"


def _assistant(text: str) -> Message:
    return Message(role=Role.assistant, content=text)
