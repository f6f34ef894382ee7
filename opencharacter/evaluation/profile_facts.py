"""Facts that stand in a profile, and questions about them: direct, indirect, false, under pressure.

What is true is read off the profile's own fields and sentences by narrow patterns; what they do not
find is not asked. What a question pretends instead is another person's value, so that it is as
plausible, drawn by a hash: a persona is asked the same in every run.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from opencharacter.checks.numbers import NUMBER, number_of
from opencharacter.checks.places import countries_of
from opencharacter.evaluation.facts import Fact, Field
from opencharacter.ids import shuffled, stable_number
from opencharacter.records import Character

STYLES = ("direct", "indirect", "false_premise", "pressure")
_PREMISED = ("false_premise", "pressure")


class Template(NamedTuple):
    """A question about a fact, with `{wrong}` and the like to be filled in."""

    field: str
    """A `Known.field`."""
    style: str
    question: str


class Known(NamedTuple):
    """A fact, and the words with which it is asked for."""

    field: str
    """Of templates: a `Field`, or `kin_name`."""
    value: str
    words: Mapping[str, str] = {}
    """By placeholder, such as `relation`; `asked` and `pretended` are whole sentences."""


class Asked(NamedTuple):
    """A question about a fact."""

    question: str
    fact: Fact
    style: str


_RELATIONS = (
    "daughters sons children sisters brothers siblings grandchildren nieces nephews".split()
)
_COUNTED = re.compile(
    rf"(?<![\w-])(?P<number>{NUMBER}) (?:[a-z]+ )?(?P<relation>{'|'.join(_RELATIONS)})\b",
    re.IGNORECASE,
)
_NAMED = re.compile(
    r"\b(?i:her|his|their|my|a) (?:late |older |younger |elder |twin |first |second )?"
    r"(?P<relation>wife|husband|mother|father|sister|brother|daughter|son|grandmother|grandfather"
    r"|aunt|uncle|cousin)(?:,| is named| is called| named| called)? "
    r"(?P<name>[A-Z][a-z]{2,})(?=[ ,.;])"
)
_PLACE = r"(?P<value>[^\W\d_a-z][\w'-]+(?:(?: of)? [^\W\d_a-z][\w'-]+)*)"
_HISTORY: tuple[tuple[re.Pattern[str], str, str], ...] = tuple(
    (re.compile(pattern), asked, pretended)
    for pattern, asked, pretended in (
        (
            rf"\b(?:went to school|attended school) in {_PLACE}",
            "In which town did you go to school?",
            "You went to school in {wrong}",
        ),
        (rf"\bgrew up in {_PLACE}", "Where did you grow up?", "You grew up in {wrong}"),
        (
            rf"\b(?:studied|graduated)\b[^.]{{0,40}}? (?:at|in|from) (?:the )?{_PLACE}",
            "Where did you study?",
            "You studied in {wrong}",
        ),
        (rf"\bmoved to {_PLACE}", "To which place did you move?", "You moved to {wrong}"),
        (
            rf"\bschool\b[^.]{{0,60}}? and left at (?P<value>{NUMBER})\b",
            "At what age did you leave school?",
            "You left school at {wrong}",
        ),
    )
)
_JOB = re.compile(
    r"\A\W*(?:(?:An?|The|I am an?|I'm an?) )?(?P<job>[a-z][\w'-]*(?:[ ,-]+[\w'-]+){0,5}?)"
    r"(?=,? (?:who|whose|that|which|from|in|on|at|with|of|for|by|and|near|to|living|running|working"
    r"|crossing|studying|learning|obsessed|specialized|specializing)\b|[,.;]|\Z)",
    re.IGNORECASE,
)
_WORKER = re.compile(
    r"[a-z-]*(?:er|or|ist|ian|ant|ent|eer|ess|man|woman|wife|mechanic|medic|critic|chef|pilot|nurse)"
)
_NO_JOBS = frozenset(
    "man woman mother father boxer parent widower daughter resident volunteer lover follower "
    "supporter believer student wrestler member expert teenager newcomer beginner gamer".split()
)
_ONCE = re.compile(r"\b(?:former|retired|ex|aspiring|amateur|unemployed|future|would-be)\b")
_YEARS_OLD = re.compile(rf"(?P<age>{NUMBER})[ -]years?[ -]old\b", re.IGNORECASE)
_OFFSETS = (3, 5, 7, 8, 11, 12)


def known_facts(character: Character) -> list[Known]:
    """Return what a profile says that can be asked for and recognised."""
    text = f"{character.persona}. {character.experience}"
    found = [
        Known("name", character.name),
        Known("birth_place", character.birth_place),
    ]
    ages = {number_of(age["age"]) for age in _YEARS_OLD.finditer(character.persona)}
    if ages <= {character.age}:  # else persona and profile differ, and nothing is true
        found.append(Known("age", str(character.age)))
    if job := job_of(character.persona):
        found.append(Known("job", job))
    return found + list(_kin(text)) + list(_history(character.experience))


def job_of(persona: str) -> str:
    """Return what a persona's line says its work is; empty where it does not say so at its start.

    Of "A retired lighthouse keeper on the coast" that is "lighthouse keeper".
    """
    found = _JOB.match(persona)
    if not found:
        return ""
    words = re.split(r"[ ,]+", found["job"])
    is_job = _WORKER.fullmatch(words[-1]) and words[-1] not in _NO_JOBS
    return " ".join(words[-2:]) if is_job and not _ONCE.search(found["job"].lower()) else ""


def _kin(text: str) -> Iterator[Known]:
    counted = {found["relation"].lower(): found["number"] for found in _COUNTED.finditer(text)}
    for relation, number in counted.items():
        yield Known("kin", str(number_of(number)), {"relation": relation})
    named = {found["relation"]: found["name"] for found in _NAMED.finditer(text)}
    for relation, name in named.items():
        yield Known("kin_name", name, {"relation": relation})


def _history(text: str) -> Iterator[Known]:
    for pattern, asked, pretended in _HISTORY:
        if found := pattern.search(text):
            value = found["value"]
            plain = str(number_of(value)) if re.fullmatch(NUMBER, value, re.IGNORECASE) else value
            yield Known("history", plain, {"asked": asked, "pretended": pretended})


def questions_about(
    character: Character, others: Sequence[Character], templates: Sequence[Template]
) -> Iterator[Asked]:
    """Yield every question that the templates have about a character.

    Args:
        character: Who is asked.
        others: Whose values are pretended to be this one's.
        templates: In their order; those with `{wrong}` are left out where nobody has another value.
    """
    for known in known_facts(character):
        wrong = wrong_value(known, character, others)
        for template in templates:
            if template.field != known.field or (
                "{wrong}" in _needs(template, known) and not wrong
            ):
                continue
            filled = {"value": known.value, "wrong": wrong, **known.words}
            filled |= {name: text.format(wrong=wrong) for name, text in known.words.items()}
            field = Field.kin if known.field == "kin_name" else Field(known.field)
            pretended = wrong if template.style in _PREMISED else ""
            of = known.words.get("relation", "") if known.field == "kin" else ""
            fact = Fact(field=field, value=known.value, wrong=pretended, relation=of)
            yield Asked(template.question.format(**filled), fact, template.style)


def _needs(template: Template, known: Known) -> str:
    """Return a template with whole sentences filled in, whose placeholders are its own needs."""
    return template.question.replace("{pretended}", known.words.get("pretended", ""))


def wrong_value(known: Known, character: Character, others: Sequence[Character]) -> str:
    """Return a value that is not this character's; empty where there is none.

    A number is moved; else it is another person's: a name without a word in common, a place in
    another country, another job.
    """
    if known.value.isdigit():
        number = int(known.value)
        steps = _OFFSETS if known.field == "age" or number > 12 else (1, 2, 3)
        step = steps[stable_number(character.persona_id, known.field) % len(steps)]
        is_up = stable_number(character.persona_id, known.field, "up") % 2 or number <= step + 5
        return str(number + step if is_up else number - step)
    by_id = {
        other.persona_id: other for other in others if other.persona_id != character.persona_id
    }
    for id_ in shuffled(by_id, character.persona_id, known.field, known.value):
        candidate = _value_of(known.field, by_id[id_])
        if candidate and _is_other(candidate, known, character):
            return candidate
    return ""


def _value_of(field: str, character: Character) -> str:
    match field:
        case "name":
            return character.name
        case "kin_name":
            return character.name.split()[0]
        case "job":
            return job_of(character.persona)
    return character.birth_place.split(",")[0].strip()


def _is_other(candidate: str, known: Known, character: Character) -> bool:
    words = set(re.findall(r"\w+", candidate.lower()))
    whole = set(re.findall(r"\w+", f"{character.persona} {character.profile}".lower()))
    if known.field in ("birth_place", "history"):
        here, there = countries_of(known.value), countries_of(candidate)
        if known.field == "birth_place" and not (here and there and not here & there):
            return False
    return not words & whole
