"""The text of the embedded base: questions and answers, lists, copies, facts read from short texts.

There is no character in it, no persona and no profile: a model that is trained on characters later
has seen none before. Facts are of things (bridges, ships, clocks ...), never of people.
"""

from collections.abc import Iterator
from random import Random
from typing import NamedTuple

from opencharacter.ids import stable_number
from opencharacter.records import Message, Role
from opencharacter.train.embedded.answers import key_phrase
from opencharacter.train.embedded.phrases import instruction, listing, paragraph, reference, words
from opencharacter.train.embedded.words import (
    capitalised,
    invented_name,
    pick,
    with_article,
)

_SYSTEMS = (
    "Answer in plain words.", "Answer briefly.", "Keep to what is asked.", "Write clearly.",
    "Help with every question.", "Say what you know.", "Be helpful.",
)  # fmt: skip
_SMALL_TALK = (
    "Hello!", "How are you?", "Can you help me?", "What do you think?", "What is new?",
    "Is that true?", "Why is that so?", "Could you explain it?", "What would be best?",
    "Do you know more about it?", "Thank you. What else?", "Can I ask something?",
    "What should I do now?", "When does it begin?", "Where can I read about it?", "Is it far?",
    "Which one is better?", "Who can tell me more?", "What do you mean?", "And then?",
)  # fmt: skip
_COPIES = (
    "Repeat this word for word:", "Write this text again:", "Copy the following:",
    "Say exactly this:", "Repeat after me:", "Give me this text back, unchanged:",
)  # fmt: skip
_LISTED = (
    "Write these one per line:", "Make a list of these:", "Number these:",
    "Put each of these on a line of its own:",
)  # fmt: skip
_OPENINGS = (
    'On "{key}":', "Here is an answer.", "{key}?", "In short:", "Well,", "", "", "First of all,",
    'About "{key}" there is this to say.', "{key}:",
)  # fmt: skip
_GENERAL = (
    "That depends on many things.", "There is more than one way to see it.", "It is a long story.",
    "Start with the simplest part.", "It is hard to say without more.", "Most people agree.",
    "Nobody knows for sure.", "There are good books on it.", "Take it step by step.",
    "It helps to write things down.", "First look at what is there already.", "It takes some time.",
    "Much has been said about it.", "The answer is different in each case.", "Try it and see.",
    "There are three points to consider.", "In most cases it works.", "It is worth the effort.",
    "Small changes make a big difference.", "The rest is practice.", "It is simple in the end.",
    "Compare a few of them before you choose.", "Ask someone who has done it.", "Yes, it is so.",
    "No, I would not say so.", "It is not possible to tell.", "That is a good question.",
    "It began long ago.", "Today it is quite common.", "There is no need to hurry.",
)  # fmt: skip
_READING = (
    "Answer from this text.", "Use this text for your answers.", "Here is a text.",
    "Read this.", "The questions are about this text.",
)  # fmt: skip
_KINDS = (
    "bridge", "ship", "tower", "museum", "tunnel", "lake", "machine", "book", "clock", "train",
    "orchard", "statue", "telescope", "library", "canal", "mill", "balloon", "organ", "garden",
    "harbour", "theatre", "engine", "dam", "market", "boat", "hall", "station", "fountain",
)  # fmt: skip
_COLOURS = (
    "red", "blue", "green", "yellow", "white", "black", "grey", "brown", "orange", "purple",
    "silver", "golden", "turquoise", "pink", "beige", "dark blue", "light green",
)  # fmt: skip
_MATERIALS = (
    "wood", "stone", "iron", "glass", "copper", "brick", "marble", "paper", "clay", "bronze",
    "steel", "leather", "oak", "granite", "concrete", "ivory", "tin", "cork",
)  # fmt: skip


class Fact(NamedTuple):
    """How a fact about a thing is stated, asked for and answered."""

    stated: tuple[str, ...]
    asked: tuple[str, ...]
    answered: tuple[str, ...]


FACTS: dict[str, Fact] = {
    "called": Fact(
        ("It is called {}.", "The {kind} is known as {}.", "On the maps it is {}."),
        ("What is the {kind} called?", "What is it called?", "What is written on the maps?"),
        ("It is called {}.", "The {kind} is called {}."),
    ),
    "length": Fact(
        ("It is {} metres long.", "Its length is {} metres.", "From end to end it is {} metres."),
        ("How long is the {kind}?", "What is its length?", "How many metres is it long?"),
        ("It is {} metres long.", "{} metres.", "Its length is {} metres."),
    ),
    "year": Fact(
        ("It was opened in {}.", "It has been there since {}.", "People built it in {}."),
        ("When was the {kind} built?", "Since when is it there?", "In which year was it opened?"),
        ("In {}.", "It is there since {}.", "That was in {}."),
    ),
    "colour": Fact(
        ("Its colour is {}.", "It is painted {}.", "The {kind} is {}."),
        ("Which colour has the {kind}?", "What is its colour?", "How is it painted?"),
        ("It is {}.", "The {kind} is {}.", "Its colour is {}."),
    ),
    "material": Fact(
        ("It is made of {}.", "All of it is {}.", "They made it of {}."),
        ("What is the {kind} made of?", "Of what is it made?", "Which material is it?"),
        ("It is made of {}.", "Of {}.", "The {kind} is made of {}."),
    ),
    "price": Fact(
        ("A visit costs {} euros.", "The ticket is {} euros.", "You pay {} euros for it."),
        ("What does a visit cost?", "How much is the ticket?", "How many euros must I pay?"),
        ("A visit costs {} euros.", "{} euros.", "You pay {} euros."),
    ),
    "use": Fact(
        ("It is used for {}.", "People need it for {}.", "It serves for {}."),
        ("What is the {kind} used for?", "What do people need it for?", "For what does it serve?"),
        ("It is used for {}.", "For {}.", "People need it for {}."),
    ),
}  # fmt: skip
"""What a text says of a thing; nothing of it is a field of a profile."""


def general_dialogues(seed: int) -> Iterator[list[Message]]:
    """Yield dialogues without characters, without end."""
    random = Random(stable_number("embedded base", seed))
    kinds = (reading, answering, copying, itemising)
    while True:
        yield random.choices(kinds, (35, 35, 18, 12))[0](random)


def reading(random: Random) -> list[Message]:
    """Return a short text about a thing and two to six questions about it."""
    kind = random.choice(_KINDS)
    known = {about: _value(random, about) for about in random.sample(list(FACTS), 5)}
    text = _text(random, kind, known)
    turns = [
        _turn(random, kind, about, known[about])
        for about in random.choices(list(known), k=random.randint(2, 6))
    ]
    if random.random() < 0.6:
        return [_system(f"{random.choice(_READING)}\n\n{text}"), *_flat(turns)]
    (question, answer), *more = turns
    first = (f"{random.choice(_READING)}\n\n{text}\n\n{question}", answer)
    return [*_preface(random), *_flat([first, *more])]


def answering(random: Random) -> list[Message]:
    """Return one to four questions about anything, each with an answer of a few sentences."""
    turns = []
    for _ in range(random.choice((1, 2, 3, 4))):
        question = random.choice(_SMALL_TALK) if random.random() < 0.3 else instruction(random)
        opening = random.choice(_OPENINGS).format(key=key_phrase(random, question))
        turns.append((question, f"{opening} {_said(random)}".strip()))
    return [*_preface(random), *_flat(turns)]


def copying(random: Random) -> list[Message]:
    """Return one to three texts to be repeated as they are."""
    turns = []
    for _ in range(random.choice((1, 1, 2, 3))):
        text = reference(random, random.choice((10, 30, 60, 120, 200, 400))).strip()
        turns.append((f"{random.choice(_COPIES)}{random.choice((' ', chr(10)))}{text}", text))
    return [*_preface(random), *_flat(turns)]


def itemising(random: Random) -> list[Message]:
    """Return things to be put into a list, or a list that is asked for."""
    if random.random() < 0.4:
        asked = f"List what belongs to {pick(random, 'topics')}."
        return [*_preface(random), *_flat([(asked, listing(random))])]
    items = [words(random, random.randint(1, 3)) for _ in range(random.randint(2, 7))]
    lines = [f"{number}. {item}" for number, item in enumerate(items, 1)]
    asked = f"{random.choice(_LISTED)} {', '.join(items)}"
    return [*_preface(random), *_flat([(asked, "\n".join(lines))])]


def _said(random: Random) -> str:
    """Return sentences that many questions could be answered with, or any prose."""
    if random.random() < 0.25:
        return reference(random, random.choice((10, 30, 60, 100, 160)))
    return " ".join(random.sample(_GENERAL, random.choice((1, 1, 2, 2, 3))))


def _text(random: Random, kind: str, known: dict[str, str]) -> str:
    facts = [random.choice(FACTS[a].stated).format(v, kind=kind) for a, v in known.items()]
    random.shuffle(facts)
    parts = [f"There is {with_article(kind)}."]
    for fact in facts:
        parts.append(fact)
        if random.random() < 0.3:
            parts.append(paragraph(random, 1))
    return " ".join(parts)


def _turn(random: Random, kind: str, about: str, value: str) -> tuple[str, str]:
    fact = FACTS[about]
    question = random.choice(fact.asked).format(kind=kind)
    return question, capitalised(random.choice(fact.answered).format(value, kind=kind))


def _value(random: Random, about: str) -> str:
    if about == "called":
        return " ".join(invented_name(random) for _ in range(random.choice((1, 2, 2))))
    if about == "use":
        return words(random, random.randint(1, 4))
    if about in ("length", "price"):
        return str(random.randint(2, 10 ** random.randint(1, 4)))
    if about == "year":
        return str(random.randint(1200, 2026))
    return random.choice(_COLOURS if about == "colour" else _MATERIALS)


def _preface(random: Random) -> list[Message]:
    """Return no system message, a short one, or a long one that has nothing to do with it."""
    draw = random.random()
    if draw < 0.35:
        return []
    if draw < 0.6:
        return [_system(random.choice(_SYSTEMS))]
    parts = [random.choice(_SYSTEMS)]
    for _ in range(random.randint(1, 3)):
        text = random.choice((listing(random), paragraph(random, random.randint(1, 4))))
        parts.append(f"# {capitalised(pick(random, 'topics'))}\n{text}")
    return [_system("\n\n".join([*parts, random.choice(_SYSTEMS)]))]


def _system(text: str) -> Message:
    return Message(role=Role.system, content=text)


def _flat(turns: list[tuple[str, str]]) -> list[Message]:
    return [
        Message(role=role, content=text)
        for turn in turns
        for role, text in zip((Role.user, Role.assistant), turn, strict=True)
    ]
