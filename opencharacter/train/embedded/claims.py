"""What an answer tells of a character, and how it agrees with what is known: labels by rule."""

import re
from random import Random
from typing import NamedTuple

from opencharacter.train.embedded.characters import Cast

MAIN = ("name", "age", "birth_place", "job", "gender", "race")
"""Facts of which a contradiction is worth one point of consistency."""
LESSER = ("hobby", "traits", "appearance")
"""Facts of which it is worth two."""

CONTRADICTED, OPEN, SHOWN = 0, 1, 2
"""Labels of eval/rubrics/checklist/fact.yaml."""

_STATED: dict[str, tuple[str, ...]] = {
    "name": ("Everybody knows me as {name}.", "I sign my letters with {name}.", "Call me {first}.",
             "{name} is what stands in my passport.", "They christened me {name}."),
    "age": ("I have just turned {age}.", "At {age} one knows such things.", "I am {age} by now.",
            "My papers say {age}.", "I count {age} winters.", "Being {age}, I may say so."),
    "birth_place": ("My cradle stood in {city}.", "{city} is where I began.",
                    "My mother had me in {city}.", "I first saw the light in {city}."),
    "job": ("I earn my bread as {role}.", "I work as {role}.", "By trade I am {role}.",
            "I have been {role} for years.", "I make my living as {role}."),
    "gender": ("As for gender, write {gender}.", "Put me down as {gender}."),
    "race": ("My people are {race}.", "I am {race} by descent."),
    "hobby": ("What I love is {hobby}.", "On free days you find me at {hobby}."),
    "traits": ("I have always been {one}.", "They say that I am {two}."),
}  # fmt: skip
_DENIED: dict[str, tuple[str, ...]] = {
    "name": ("My name is not {name}.", "Nobody calls me {first}."),
    "age": ("I am not {age}, far from it.", "Whoever says {age} is wrong about my age."),
    "birth_place": ("I have no ties to {city}.", "I do not come from {city}."),
    "job": ("I am no {bare}.", "Do not take me for {role}.", "I have nothing to do with {said}.",
            "I have never been {role} in my life."),
}  # fmt: skip


class Claim(NamedTuple):
    """One thing that an answer tells of whoever speaks."""

    field: str
    teller: Cast
    """Whose value is told."""
    is_denied: bool = False
    is_stated: bool = False
    """Made by `stated`, in words of its own."""


def stated(random: Random, claim: Claim) -> str:
    """Return a sentence that makes a claim."""
    frames = (_DENIED if claim.is_denied else _STATED)[claim.field]
    cast = claim.teller
    return random.choice(frames).format(
        **cast.fields, first=cast.first, role=cast.role, said=cast.said, hobby=cast.hobby,
        bare=re.sub(r"^(?:an?|the) ", "", cast.role), city=city_of(cast), one=cast.traits[0],
        two=cast.traits[1],
    )  # fmt: skip


def deniable() -> tuple[str, ...]:
    """Return the facts that can be denied."""
    return tuple(_DENIED)


def claims_in(text: str, teller: Cast) -> list[Claim]:
    """Return what an answer of `teller` tells of it, found by the teller's own values."""
    fields = (*MAIN, *LESSER)
    claims = (Claim(field, teller) for field in fields)
    return [claim for claim in claims if any(_holds(text, value) for value in values_of(claim))]


def values_of(claim: Claim) -> tuple[str, ...]:
    """Return the words by which a claim is told, any of them."""
    teller, fields = claim.teller, claim.teller.fields
    match claim.field:
        case "name":
            return str(fields["name"]), teller.first
        case "birth_place":
            return (city_of(teller),)
        case "job":
            return teller.role, teller.said
        case "gender" if not claim.is_stated:
            return (f"gender is {fields['gender']}",)
        case "race" if not claim.is_stated:
            return f"race is {fields['race']}", f"background is {fields['race']}"
        case "hobby":
            return (teller.hobby,)
        case "traits":
            return teller.traits
    return (str(fields[claim.field]),)


def is_against(claim: Claim, character: Cast) -> bool:
    """Tell whether a claim cannot be true of a character."""
    return is_same(claim.field, claim.teller, character) == claim.is_denied


def is_same(field: str, one: Cast, other: Cast) -> bool:
    """Tell whether two characters have the same value, or values that may both be true."""
    if one is other:
        return True
    match field:
        case "job":
            return one.role == other.role or one.role in other.said or other.role in one.said
        case "hobby":
            return one.hobby == other.hobby or one.hobby in str(other.fields["experience"])
        case "traits":
            return bool(set(one.traits) & set(other.traits))
        case "birth_place":
            places = f"{other.fields['birth_place']} {other.line.text} {other.fields['experience']}"
            return city_of(one) in places
        case "name":
            return one.fields["name"] == other.fields["name"] or one.first == other.first
    return one.fields[field] == other.fields[field]


def known_fields(character: Cast, *, by_profile: bool) -> frozenset[str]:
    """Return which fields a judge is shown: all of a profile, or what the persona's line says."""
    if by_profile:
        return frozenset((*MAIN, *LESSER))
    line = character.line
    told = {"name": line.name, "age": line.age, "birth_place": line.place, "gender": line.gender}
    return frozenset({"job"} | {field for field, value in told.items() if value is not None})


def consistency(claims: list[Claim], character: Cast, known: frozenset[str], made_up: int) -> int:
    """Return the points of eval/rubrics/role_play/persona_consistency.yaml.

    Args:
        claims: Of the answer.
        character: That is judged.
        known: Fields that the judge is shown.
        made_up: Details in the answer that belong to no field.
    """
    against = {c.field for c in claims if c.field in known and is_against(c, character)}
    if against & set(MAIN):
        return 1
    if against:
        return 2
    beyond = made_up + sum(not c.is_denied for c in claims if c.field not in known)
    return 5 if beyond == 0 else 4 if beyond == 1 else 3


def fact_label(fact: str, field: str, claims: list[Claim], character: Cast) -> int:
    """Return the label of eval/rubrics/checklist/fact.yaml for one fact of a character.

    Args:
        fact: As it is shown, such as `Age: 30`.
        field: Of the profile that it stands in.
        claims: Of the answer.
        character: Whose fact it is.
    """
    told = [c for c in claims if c.field in _touching(fact, field, character)]
    if any(is_against(c, character) and c.field in MAIN for c in told):
        return CONTRADICTED
    shown = any(not c.is_denied and is_same(c.field, c.teller, character) for c in told)
    return SHOWN if shown else OPEN


def _touching(fact: str, field: str, character: Cast) -> set[str]:
    """Return the claims that have to do with a fact."""
    if field not in ("experience", "personality"):
        return {field}
    touched = set()
    if _holds(fact, character.role):
        touched.add("job")
    if _holds(fact, character.hobby):
        touched.add("hobby")
    if any(_holds(fact, trait) for trait in character.traits):
        touched.add("traits")
    return touched


def city_of(cast: Cast) -> str:
    """Return the birth place without its country."""
    return str(cast.fields["birth_place"]).split(", ")[0]


def places_of(text: str, value: str) -> list[re.Match[str]]:
    """Return where a value stands in a text as words of its own, whatever its case."""
    if not value:
        return []
    return list(re.finditer(rf"(?<!\w){re.escape(value)}(?!\w)", text, re.IGNORECASE))


def _holds(text: str, value: str) -> bool:
    return bool(places_of(text, value))
