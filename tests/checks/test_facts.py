import pytest

from opencharacter.checks.facts import contradicts_profile, facts_in, facts_of
from tests.checks.people import character_named

ANN = facts_of(
    character_named(
        "Ann Lee",
        40,
        "Cork, Ireland",
        "Name: Ann Lee\nAge: 40\nBirth place: Cork, Ireland\nGeneral experience: A baker who was "
        "a sailor before. Ann lives in Berlin now.",
    )
)


@pytest.mark.parametrize(
    "answer",
    [
        "My name is Bob.",
        "My full name is Robert Smith, but never mind.",
        "I am 30 years old.",
        "I'm forty-one years old, and I feel it.",
        "I was born in Paris, in spring.",
        "I was born and raised in the city of Lyon.",
        "I came home late. I am 30 years old.",
        "I am Ann, and my name is Bob Smith and I bake.",
        "My name is Bob\nI bake.",
        "I was born in the U.S.A., you know.",
        "I\u2019m 35 years old.",
        "I'm Bob, nice to meet you",
        "I\u2019m Bob. Nice to meet you!",
        "I am called Bob Smith, nice to meet you.",
        "*waves* Hi, I'm Bob!",
        "Hello there! I am Bob Smith and I bake.",
    ],
)
def test_what_the_profile_denies_is_seen(answer):
    assert contradicts_profile(answer, ANN) is not None


@pytest.mark.parametrize(
    "answer",
    [
        "My name is Ann.",
        "My name is Lee, Ann Lee.",
        "I am 40 years old.",
        "I'm forty years old.",
        "When I was 30 years old I went to sea.",
        "My brother says: she is 30 years old.",
        "I was born in Cork.",
        "I was born in Ireland, you know.",
        "I was born in 1984.",
        "I was born in March.",
        "I was born in Berlin, some say.",
        "I work as a baker.",
        "I worked as a dentist once.",
        "My name is not important.",
        "My daughter is 12 years old.",
        "I am 40.",
        "When I turned 18 years old, I joined the army.",
        "When I am 64 years old, I shall rest.",
        "Some days I feel like I'm 20 years old.",
        '"I am ten years old," said the child.',
        "\u201cI am ten years old,\u201d said the child.",
        "'I'm ten years old,' said the child.",
        "The sign said:\n> My name is Bob.",
        "My name is Greek for peace.",
        "My name is Hebrew.",
        "My name is Annie.",
        "I'm Ann, nice to meet you",
        "I'm Irish, and I bake.",
        "Hello, I'm Annie.",
        "Hello, I'm Irish. I bake.",
        "Hi! I am Roman Catholic, you see.",
        "I am called Red.",
        "I'm so pleased to meet you.",
        "Hello! I'm Glad you came.",
        'My daughter said: "Hello, I\'m Eve."',
        "At parties I say my name is Bond, James Bond.",
        "I was born in Munster.",
        "I was born in Northern Ireland.",
        "I was born in Nowhere Town.",
        "I work as a dentist.",
        "I work as a bridge between my customers and the mill.",
    ],
)
def test_what_fits_or_is_about_others_passes(answer):
    assert contradicts_profile(answer, ANN) is None


def test_a_profile_in_a_system_prompt_is_read():
    facts = facts_in("You are this.\n\nName: Ann Lee\nAge: 40\nBirth place: Cork, Ireland\n")

    assert (facts.name, facts.age, facts.birth_place) == ("Ann Lee", 40, "Cork, Ireland")
    assert contradicts_profile("My name is Bob.", facts) is not None


@pytest.mark.parametrize(
    "prompt",
    [
        "Persona: a baker. Name: Ann Lee\nAge: 40\nBirth place: Cork, Ireland\nYou are Ann Lee.",
        "You are this. Name: Ann Lee. Age: 40. Gender: f. Birth Place: Cork, Ireland. Be kind.",
        "You are this; **Name:** Ann Lee, **Age:** 40, **Birth Place:** Cork, Ireland",
    ],
)
def test_a_profile_inside_a_line_is_read_too(prompt):
    facts = facts_in(prompt)

    assert (facts.name, facts.age, facts.birth_place) == ("Ann Lee", 40, "Cork, Ireland")


def test_without_a_profile_nothing_is_denied():
    facts = facts_in("You are a helpful baker.")

    for answer in ("My name is Bob.", "I am 30 years old.", "I was born in Paris."):
        assert contradicts_profile(answer, facts) is None


@pytest.mark.parametrize(
    ("answer", "question"),
    [
        ("My name is John Smith and I wish to apply.", "Write a cover letter for John Smith."),
        ("My name is Bob.", "May I call you Bob?"),
        ("I am 25 years old.", "You are now 25 years old. How is life?"),
        ("I am six years old and I like mud.", "Tell a story in the voice of a child."),
        ("I was born in Paris.", "Were you born in Paris?"),
        ("My name is Inigo Montoya.", "Say a line of your favourite film."),
    ],
)
def test_what_the_question_brings_up_passes(answer, question):
    assert contradicts_profile(answer, ANN, question) is None


@pytest.mark.parametrize("question", ["Who are you?", "Tell me your story.", "Write of yourself."])
def test_other_questions_excuse_nothing(question):
    assert contradicts_profile("My name is Bob.", ANN, question) is not None


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Eleanor Hart", "Ellie"),
        ("Robert Hart", "Bob"),
        ("Bob Hart", "Robert"),
        ("Katherine Hart", "Kate"),
        ("Elizabeth Hart", "Beth"),
        ("Elena Ruiz", "Lena"),
        ("Jos\u00e9 Ruiz", "Jose"),
        ("\u738b\u4f1f", "Wei Wang"),
    ],
)
def test_short_and_other_forms_of_a_name_pass(name, said):
    facts = facts_of(character_named(name, 45, "London, UK"))

    assert contradicts_profile(f"My name is {said}.", facts) is None


@pytest.mark.parametrize(
    ("birth_place", "said"),
    [
        ("London, UK", "England"),
        ("London, UK", "Brixton"),
        ("Peking, China", "Beijing"),
        ("Belfast, Northern Ireland", "Ireland"),
        ("Dallas, Texas", "the USA"),
        ("S\u00e3o Paulo, Brasil", "Brazil"),
        ("Riga, Soviet Union", "Moscow"),
        ("London, Ontario", "Toronto"),
    ],
)
def test_places_that_may_be_the_same_pass(birth_place, said):
    facts = facts_of(character_named("Ann Lee", 45, birth_place))

    assert contradicts_profile(f"I was born in {said}.", facts) is None


@pytest.mark.parametrize(
    ("birth_place", "said"),
    [
        ("London, UK", "Paris"),
        ("Madrid, Spain", "New England"),
        ("Sydney, New South Wales", "Cardiff"),
        ("Lagos, Nigeria", "New York City"),
    ],
)
def test_another_country_is_seen(birth_place, said):
    facts = facts_of(character_named("Ann Lee", 45, birth_place))

    assert contradicts_profile(f"I was born in {said}.", facts) is not None
