"""Characters for persona lines: the eight fields, and what questions can be asked about."""

from dataclasses import dataclass
from random import Random

from opencharacter.prompts.profile import FIELDS, render_profile
from opencharacter.records import Call, Character, Split, Usage
from opencharacter.train.embedded.personas import Line, place, role_phrase, said_of, verbatim
from opencharacter.train.embedded.words import entries, familiar_name, full_name, pick, some

_NO_CALL = Call(model="none", prompt_sha256="", sampling="{}", seed=0, engine="none")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """A character and the parts its fields were made of."""

    line: Line
    fields: dict[str, str | int]
    """The eight fields, in the order of FIELDS."""
    first: str
    said: str
    """The persona's own words, as they follow `I am`."""
    role: str
    hobby: str
    traits: tuple[str, str]

    @property
    def character(self) -> Character:
        """The record whose persona and profile the prompts show."""
        values = {field: self.fields[field] for field in FIELDS}
        return Character(
            persona_id="persona-embedded",
            persona=self.line.text,
            split=Split.train,
            cluster="persona-embedded",
            licence="Apache-2.0",
            profile=render_profile(values),
            call=_NO_CALL,
            usage=Usage(),
            **values,  # type: ignore[arg-type]
        )


@dataclass(frozen=True, slots=True)
class Named:
    """A name with the gender that fits it."""

    name: str
    gender: str


def named(random: Random, *, new: float = 0.4) -> Named:
    """Return a name, invented or listed."""
    gender = _gender(random)
    return Named(full_name(random, gender, new=new), gender)


def cast(
    random: Random, line: Line, hint: Named | None = None, *, is_familiar: bool = False
) -> Cast:
    """Return a character for `line`; one without a name of its own takes the hint's.

    Args:
        random: Decides what the line leaves open.
        line: The persona.
        hint: The first of the names that were offered.
        is_familiar: Make up only what is learned by heart, as the model itself shall do.
    """
    gender = line.gender or (hint.gender if hint else _gender(random))
    made_up = familiar_name(random, gender) if is_familiar else full_name(random, gender)
    name = line.name or (hint.name if hint else made_up)
    age = line.age or random.randint(line.youngest, line.oldest)
    birth_place = line.place or (
        random.choice(some("cities", 48)) if is_familiar else place(random)
    )
    first = name.split(" ")[0]
    said = said_of(line.text, line.name)
    hobby = random.choice(some("hobbies", 48)) if is_familiar else pick(random, "hobbies")
    trade = random.choice(some("occupations", 24)) if is_familiar else pick(random, "occupations")
    one, two = random.sample(entries("traits")[:: 2 if is_familiar else 1], 2)
    subject = {"female": "She", "male": "He"}.get(gender, "They")
    values: dict[str, str | int] = {
        "name": name,
        "age": age,
        "gender": gender,
        "race": pick(random, "races"),
        "birth_place": birth_place,
        "appearance": _appearance(random, subject),
        "experience": f"{verbatim(line.text)} "
        + _life(random, first, subject, birth_place, hobby, trade),
        "personality": _personality(random, first, (one, two)),
    }
    return Cast(
        line=line,
        fields={field: values[field] for field in FIELDS},
        first=first,
        said=said,
        role=role_phrase(said),
        hobby=hobby,
        traits=(one, two),
    )


def _gender(random: Random) -> str:
    return random.choices(("female", "male", "non-binary"), (48, 48, 4))[0]


def _appearance(random: Random, subject: str) -> str:
    has, wears = ("have", "wear") if subject == "They" else ("has", "wears")
    look, hair, eyes = pick(random, "looks"), pick(random, "hair"), pick(random, "eyes")
    worn = pick(random, "clothes")
    return random.choice(
        (
            f"{look.capitalize()}, with {hair} hair and {eyes} eyes. "
            f"{subject} often {wears} {worn}.",
            f"{look.capitalize()} and {pick(random, 'looks')}, with {eyes} eyes and {hair} hair.",
            f"{subject} {has} {hair} hair and {eyes} eyes, and {wears} {worn}.",
        )
    )


def _life(
    random: Random, first: str, subject: str, birth_place: str, hobby: str, other: str
) -> str:
    city = birth_place.split(", ")[0]
    enjoys = "enjoy" if subject == "They" else "enjoys"
    more = [
        random.choice(
            (
                f"{first} grew up in {city}.",
                f"{subject} went to school in {city} and left at {random.randint(15, 22)}.",
                f"{subject} learned the most from {other}s in {city}.",
                f"The first job was that of a {other} in {city}.",
            )
        ),
        random.choice(
            (
                f"In free hours {first} {'enjoys'} {hobby}.",
                f"{subject} {enjoys} {hobby}.",
                f"After work {subject.lower()} {enjoys} {hobby}.",
            )
        ),
    ]
    return " ".join(more)


def _personality(random: Random, first: str, traits: tuple[str, str]) -> str:
    one, two = traits
    habit = pick(random, "habits")
    return random.choice(
        (
            f"{one.capitalize()} and {two}. {first} {habit}.",
            f"{first} is {one} and {two}, and {habit}.",
            f"{one.capitalize()}, {two}; {habit}.",
        )
    )
