"""Persona lines and the characters that fit them, with what can be asked about them."""

import re
from dataclasses import dataclass
from random import Random

from opencharacter.ids import stable_fraction
from opencharacter.train.embedded.phrases import chinese, echo, sentence, words
from opencharacter.train.embedded.words import (
    capitalised,
    entries,
    full_name,
    invented_name,
    pick,
    with_article,
    word,
)

HELDOUT_SHARE = 0.1
"""Of persona lines, by a hash of the text: `heldout` ones are never trained on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A persona line and what it decides; None = it leaves that open."""

    text: str
    name: str | None = None
    age: int | None = None
    youngest: int = 19
    oldest: int = 84
    gender: str | None = None
    place: str | None = None
    """As the line says it; of a nationality, a city and its country."""


def is_heldout(persona: str) -> bool:
    """Tell whether a persona line is kept for testing."""
    return stable_fraction("embedded heldout", persona) < HELDOUT_SHARE


def persona_line(random: Random, *, heldout: bool = False) -> Line:
    """Return a persona line of the training part, or of the part kept for testing."""
    while True:
        draw = random.random()
        if draw < 0.72:
            line = _plain_line(random)
        elif draw < 0.8:
            line = _named_line(random)
        elif draw < 0.88:
            line = _first_person_line(random)
        elif draw < 0.95:
            line = Line(text=_salad(random))
        else:
            line = _foreign_line(random)
        if is_heldout(line.text) is heldout:
            return line


def role(random: Random) -> str:
    """Return an occupation or interest, listed or made of words, with up to two adjectives."""
    draw = random.random()
    if draw < 0.6:
        base = pick(random, "occupations")
    elif draw < 0.8:
        base = f"{word(random)} {pick(random, 'occupations')}"
    elif draw < 0.9:
        base = f"{random.choice(entries('topics'))} {pick(random, 'occupations')}"
    else:
        base = f"{word(random)} {word(random)}"
    if random.random() < 0.35:
        base = f"{random.choice((pick(random, 'traits'), pick(random, 'adjectives')))} {base}"
    return base


def place(random: Random) -> str:
    """Return a listed city with or without its country, a country, or an invented place."""
    city, country = pick(random, "cities").split(", ")
    return random.choices(
        (city, f"{city}, {country}", country, invented_name(random)), (40, 15, 20, 25)
    )[0]


_CLAUSES = (
    "who {verb}s {words}", "who specializes in {topic}", "who specialises in {topic} and {topic2}",
    "with a passion for {hobby}", "with {number} years of experience in {topic}",
    "who has a deep interest in {topic} and {words}", "known for {hobby} and {words}",
    "who loves {hobby}", "who is passionate about {topic}", "working on {words}",
    "dedicated to {words} and {topic}", "who believes that {words}", "and {role}",
    "who {verb}s the {adj} {noun}s of {invented} {noun2}", "interested in {topic}",
    "looking to {verb} {words}", "seeking advice on {topic}", "who enjoys {hobby} and {hobby2}",
    "who has never {verb}ed {words}", "with no {noun} for {topic}", "who used to be {a_role}",
    "who is skeptical about {topic}, {words}", "focused on {topic} (especially {words})",
    "who works with {roles} to {verb} {words}", "who struggles to {verb} {words}",
    "teaching {topic} at a {adj} {noun}", "whose {noun} {verb}s {words}", "that {verb}s {words}",
    "aiming to {verb} {words} for {words2}", "driven by {words}", "researching {topic}",
    "of {words}", "for {words}", "in {topic}", "at the {invented} {noun}", "who admires {named}",
)  # fmt: skip


def _clause(random: Random) -> str:
    return random.choice(_CLAUSES).format(
        verb=pick(random, "verbs"), words=words(random, random.randint(2, 9)),
        words2=words(random, random.randint(2, 5)), topic=pick(random, "topics"),
        topic2=pick(random, "topics"), hobby=pick(random, "hobbies"), role=role(random),
        hobby2=pick(random, "hobbies"), number=random.randint(2, 40), noun=pick(random, "nouns"),
        noun2=pick(random, "nouns"), adj=pick(random, "adjectives"),
        invented=word(random, share_invented=0.4), a_role=with_article(role(random)),
        roles=pick(random, "occupations") + "s", named=full_name(random),
    )  # fmt: skip


_JOINTS = (
    "and", "or", "of", "in", "for", "who shares the same", "and often discusses", "of another",
    "about their", "and the", "to", "after", "beyond", "with the",
)  # fmt: skip
_AGED = (
    (r"{n}-year-old ", ""), (r"{n} year old ", ""), ("", " aged {n}"), ("", ", {n} years old,"),
)  # fmt: skip
_WORDS_OF_AGE = {
    "young ": (19, 30), "teenage ": (13, 19), "middle-aged ": (40, 58), "retired ": (60, 84),
    "elderly ": (70, 92), "senior ": (45, 66), "aspiring ": (18, 32),
}  # fmt: skip
_GENDERED = {
    "female": ("mother", "woman", "actress", "grandmother", "nun", "housewife", "girl", "widow",
               "sister", "female {role}", "businesswoman"),
    "male": ("father", "man", "grandfather", "boy", "widower", "brother", "male {role}",
             "husband", "businessman", "gentleman"),
}  # fmt: skip


def _plain_line(random: Random) -> Line:
    facts: dict[str, object] = {}
    noun, before, after = role(random), "", ""
    if random.random() < 0.14:
        gender = random.choice(("female", "male"))
        facts["gender"] = gender
        noun = random.choice(_GENDERED[gender]).format(role=noun)
    draw = random.random()
    if draw < 0.12:
        age = random.randint(9, 93)
        facts["age"] = age
        before, after = (part.format(n=age) for part in random.choice(_AGED))
    elif draw < 0.3:
        before = random.choice(list(_WORDS_OF_AGE))
        facts["youngest"], facts["oldest"] = _WORDS_OF_AGE[before]
    draw = random.random()
    if draw < 0.24:
        where = place(random)
        facts["place"] = where
        after += random.choice((" from ", " living in ", " based in ", " born in ")) + where
    elif draw < 0.34:
        nationality, country = pick(random, "nationalities").split(" = ")
        cities = [city for city in entries("cities") if city.endswith(f", {country}")]
        facts["place"] = cities[0]
        before = f"{before}{nationality} "
    core = f"{before}{noun}{after}"
    for _ in range(random.choices((0, 1, 2, 3), (14, 56, 24, 6))[0]):
        core += random.choice((" ", " ", " ", ", ", " and ")) + _clause(random)
    text = _opened(random, core)
    if random.random() < 0.25:
        more = words(random, random.randint(1, 5))
        text += f" {random.choice(_JOINTS)} {echo(random, text, longest=5)} {more}"
    if random.random() < 0.12:
        text += f". {sentence(random)[:-1]}"
    return Line(text=text + random.choice(("", "", ".")), **facts)  # type: ignore[arg-type]


def _opened(random: Random, core: str) -> str:
    draw = random.random()
    if draw < 0.62:
        return capitalised(with_article(core))
    if draw < 0.78:
        return with_article(core)
    if draw < 0.9:
        return f"{random.choice(('The', 'the', 'Another', 'One'))} {core}"
    return random.choice((core, capitalised(core), f"{invented_name(random)}'s {core}"))


def _named_line(random: Random) -> Line:
    name = full_name(random)
    return Line(text=f"{name}, {with_article(role(random))} {_clause(random)}", name=name)


def _first_person_line(random: Random) -> Line:
    start = random.choice(("I am", "I'm", "I’m"))
    text = f"{start} {with_article(role(random))} {_clause(random)}."
    if random.random() < 0.4:
        text += f" I {pick(random, 'verbs')} {words(random, random.randint(2, 8))}."
    return Line(text=text)


def _salad(random: Random) -> str:
    text = words(random, random.randint(2, 30))
    if random.random() < 0.3:
        text = f"{text}, {sentence(random, longest=12)}"
    return random.choice((capitalised(text), with_article(text), capitalised(with_article(text))))


def _foreign_line(random: Random) -> Line:
    if random.random() < 0.5:
        age = random.randint(18, 80)
        text = f"一位{age}岁的{chinese(random, random.randint(4, 16))}，{chinese(random, 6)}。"
        return Line(text=text, age=age)
    chosen = [pick(random, "foreign") for _ in range(random.randint(4, 16))]
    return Line(text=capitalised(" ".join(chosen)) + random.choice(("", ".")))


_FIRST_PERSON = re.compile(r"^I(?: am|'m|’m) ")
_ARTICLE = re.compile(r"^(?:A|An|The|Another|One) ")
_CUT = re.compile(
    r"[,.;:()，。]| (?:who|whose|that|which|with|from|living|in|at|on|for|and|of|to|by|based|born|"
    r"aged|working|known|seeking|looking|dedicated|interested|focused|aiming|driven|teaching|"
    r"researching|is|are|was|has|had)\b"
)


def verbatim(persona: str) -> str:
    """Return the persona's own words as a sentence, in characters that need no JSON escape."""
    text = persona.strip().replace('"', "'").replace("\\", "/").replace("\n", " ")
    return text.rstrip(".。") + "."


def said_of(persona: str, name: str | None = None) -> str:
    """Return the persona's own words as they follow `I am`: nearly verbatim."""
    text = verbatim(persona)[:-1]
    if name and text.startswith(f"{name}, "):
        text = text[len(name) + 2 :]
    text = _FIRST_PERSON.sub("", text)
    return text[:1].lower() + text[1:] if _ARTICLE.match(text) else text


def role_phrase(said: str) -> str:
    """Return the short name of the role with its article: what stands before the first clause."""
    head = _CUT.split(said, maxsplit=1)[0].strip() or said
    return " ".join(head[:60].split(" ")[:7])
