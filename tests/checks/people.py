"""Characters that the tests of checks speak as."""

from opencharacter.records import Call, Character, Split, Usage


def character(
    persona="A retired lighthouse keeper",
    *,
    experience="Kept the light for 40 years.",
    race="Greek",
):
    return Character(
        persona_id="persona-1",
        persona=persona,
        split=Split.train,
        cluster="persona-1",
        licence="unknown",
        name="Nikos Pappas",
        age=71,
        gender="male",
        race=race,
        birth_place="Chania, Greece",
        appearance="Grey beard.",
        experience=experience,
        personality="Patient.",
        profile="Name: Nikos Pappas\nAge: 71",
        call=Call(model="m", prompt_sha256="0", sampling="{}", seed=0, engine="e"),
        usage=Usage(),
    )


KEEPER = character()
ROBOT = character("A robot that tends a greenhouse on Mars", race="Robot")


def character_named(name, age, birth_place, profile=""):
    who = character()
    fields = {field: getattr(who, field) for field in who.__dataclass_fields__ if field != "id"}
    text = profile or f"Name: {name}\nAge: {age}\nBirth place: {birth_place}"
    return Character(
        **fields | {"name": name, "age": age, "birth_place": birth_place, "profile": text}
    )
