"""Characters for persona lines: the eight fields, and what questions can be asked about."""

from dataclasses import dataclass
from random import Random

from opencharacter.prompts.profile import FIELDS, render_profile
from opencharacter.records import Call, Character, Split, Usage
from opencharacter.train.embedded.personas import Line, place, role_phrase, said_of
from opencharacter.train.embedded.words import entries, full_name, pick

_NO_CALL = Call(model="none", prompt_sha256="", sampling="{}", seed=0, engine="none")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """A character and the parts its fields were made of."""

    line: Line
    fields: dict[str, str | int]
    """The eight fields, in the order of FIELDS."""
    first: str
    said: str
    """The persona's own words, as the experience repeats them."""
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


def cast(
    random: Random, line: Line, hints: tuple[str, ...] = (), *, new_names: float = 0.4
) -> Cast:
    """Return a character for `line`; without a name of its own it takes one of `hints`."""
    gender = line.gender or random.choices(("female", "male", "non-binary"), (48, 48, 4))[0]
    name = line.name or (
        random.choice(hints) if hints else full_name(random, gender, new=new_names)
    )
    age = line.age or random.randint(line.youngest, line.oldest)
    birth_place = line.place or place(random).meant
    first = name.split(" ")[0]
    said = said_of(line.text, line.name)
    hobby = pick(random, "hobbies")
    one, two = random.sample(entries("traits"), 2)
    subject = {"female": "She", "male": "He"}.get(gender, "They")
    values: dict[str, str | int] = {
        "name": name,
        "age": age,
        "gender": gender,
        "race": pick(random, "races"),
        "birth_place": birth_place,
        "appearance": _appearance(random, subject),
        "experience": _experience(random, first, said, subject, birth_place, hobby),
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


def _experience(
    random: Random, first: str, said: str, subject: str, birth_place: str, hobby: str
) -> str:
    city = birth_place.split(", ")[0]
    enjoys = "enjoy" if subject == "They" else "enjoys"
    more = [
        random.choice(
            (
                f"{first} grew up in {city}.",
                f"{subject} went to school in {city} and left at {random.randint(15, 22)}.",
                f"{subject} learned the most from {pick(random, 'occupations')}s in {city}.",
                f"The first job was that of a {pick(random, 'occupations')} in {city}.",
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
    return " ".join([f"{first} is {said}.", *more])


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
