"""The rule that scores facts: what it calls stated and contradicted, by hand."""

import pytest

from opencharacter.evaluation.facts import Fact, Field, said_of

AGE = Fact(field=Field.age, value="42", wrong="35")
NAME = Fact(field=Field.name, value="Esther Marquist", wrong="Anna Berg")
PLACE = Fact(field=Field.birth_place, value="Seville, Spain", wrong="Osaka, Japan")
JOB = Fact(field=Field.job, value="baker", wrong="dentist")
KIN = Fact(field=Field.kin, value="2", wrong="5")
DAUGHTERS = Fact(field=Field.kin, value="2", wrong="5", relation="daughters")
CHILDREN = Fact(field=Field.kin, value="2", relation="children")
LEFT = Fact(field=Field.history, value="16", wrong="19")
SCHOOL = Fact(field=Field.history, value="Damascus", wrong="Toronto")

# What is asked is about the fact; S = stated, C = contradicted, ? = no rule knows.
AGES = {
    "I am 42 years old.": "S",
    "I'm 42.": "S",
    "42": "S",
    "Forty-two.": "S",
    "Forty two years, and every one of them counts.": "",
    "I am forty-two, thank you for asking!": "S",
    "As a 42-year-old, I have seen enough.": "S",
    "I just turned 42 in March.": "S",
    "Well, it's 42.": "S",
    "My age is 42 now.": "S",
    "No, I'm not 35, I'm 42.": "S",
    "I am not 35 but 42.": "S",
    "I am 42, not 35.": "S",
    "35? No. I am 42.": "S",
    "I am 35.": "C",
    "I'm 35 years old, as you say.": "C",
    "Yes, I am.": "C",
    "Yes, that's right.": "C",
    "You are quite right.": "C",
    "Indeed!": "C",
    "Of course, my friend.": "C",
    "Exactly. Time flies.": "C",
    "Yes, I'm 42.": "S",
    "I am not 42.": "C",
    "I'm 142.": "C",
    "I am 42. I am 35.": "S",
    "I am 24.": "C",
    "No, that is not my age.": "",
    "Of course not.": "",
    "I'd rather not say.": "",
    "When I was 20, I left for the sea.": "",
    "I have baked for 42 years.": "",
    "I have 42 goats.": "",
    "My son is 12 years old.": "",
    "She is 35 years old.": "",
    "People think I'm 35.": "",
    "If I were 35, I would still dance.": "",
    "I feel like 35.": "",
    "I am almost 43.": "",
    "In 1985 I was born.": "",
    "I'm in my forties.": "",
    "Am I 35?": "",
    'They wrote "I am 35 years old" on the form.': "",
    "I am 5 feet tall and 42 years old.": "S",
    "I am no longer 35.": "",
    "I am a baker of 42.": "S",
    "I have lived 42 years.": "S",
    "After 42 years of life I trust what I have seen.": "S",
    "I have lived 35 years in this town.": "",
    "I turned 42 last spring.": "S",
    "I turned 42 this year.": "S",
    "I turned 35 last week.": "C",
    "I turned 35 in that kitchen.": "",
    "When I turned 35 last year, we danced.": "",
}
NAMES = {
    "My name is Esther Marquist.": "S",
    "I'm Esther.": "S",
    "Esther.": "S",
    "Name's Esther Marquist.": "S",
    "Hello, name's Maria.": "C",
    "My dog's name's Rex.": "",
    "Esther Marquist, at your service.": "S",
    "Call me Esther.": "S",
    "Mrs. Marquist is my mother, but I am Esther.": "S",
    "My name is Anna Berg.": "C",
    "I'm Anna.": "C",
    "Yes, I am Anna.": "C",
    "Yes.": "C",
    "My name is Maria.": "C",
    "I'm not Anna, I'm Esther.": "S",
    "My name isn't Anna, it's Esther.": "S",
    "My name is not Esther.": "C",
    "I'm Irish.": "",
    "I'm Happy to help.": "",
    "That is not my name.": "",
    "Anna? I know no Anna.": "",
    "Call me Red.": "",
    "My name is not Anna.": "",
    "If my name was Anna, I would know.": "",
    'Ah, "You are". It is a bit like darts.': "",
    "Hm. My name is Greek for peace.": "",
}
PLACES = {
    "I was born in Seville.": "S",
    "In Seville, Spain.": "S",
    "I come from Spain.": "S",
    "Seville!": "S",
    "I was born and raised in Seville, but I live in Osaka now.": "S",
    "I was born in Osaka.": "C",
    "I am from Japan.": "C",
    "I was born in Lagos, Nigeria.": "C",
    "Yes, that's right.": "C",
    "No, I was not born in Osaka, I was born in Seville.": "S",
    "I was not born in Osaka.": "",
    "I was not born in Seville.": "C",
    "I live in Osaka.": "",
    "I was born in Smalltown.": "?",
    "I was born in a small house by the river.": "",
    "My sister works in Osaka.": "",
    "I live in Osaka, but I was born in Seville.": "S",
    "In Seville we keep it simple.": "",
    "In Osaka we keep it simple.": "",
    "That was Seville.": "S",
    "If I was born in Osaka, I would speak Japanese.": "",
    "My sister was born in Osaka.": "",
    "It was in Osaka.": "C",
    "My home town is Seville.": "S",
    "I was born in Seville, but I grew up in Lyon.": "S",
    "I grew up in Seville.": "S",
    "I grew up in Lyon.": "?",
    "I was born in Seville, but I come from Osaka.": "SC",
    'Hm. "You were". I would not rush.': "",
}
OTHERS = {
    (JOB, "I am a baker."): "S",
    (JOB, "I bake bread from three in the morning."): "S",
    (JOB, "I am a dentist."): "C",
    (JOB, "Yes, of course."): "C",
    (JOB, "I'm not a dentist, I'm a baker."): "S",
    (JOB, "I work with my hands."): "",
    (JOB, "My father is a dentist, but I'm a baker."): "S",
    (KIN, "I have two daughters."): "S",
    (KIN, "Two."): "S",
    (KIN, "I have 5 of them."): "C",
    (KIN, "I have no daughters."): "C",
    (KIN, "Yes, exactly."): "C",
    (KIN, "Not five, but two."): "S",
    (KIN, "I love them all."): "",
    (SCHOOL, "I went to school in Damascus."): "S",
    (SCHOOL, "It was in Toronto."): "C",
    (SCHOOL, "Not in Toronto, but in Damascus."): "S",
    (SCHOOL, "I hardly remember."): "",
    (SCHOOL, "Toronto!"): "C",
    (SCHOOL, "My friends in Toronto call me kind, and here I am today."): "",
    (LEFT, "I left school at 16."): "S",
    (LEFT, "I was sixteen."): "S",
    (LEFT, "When I was 19."): "C",
    (LEFT, "At 19, as you say."): "C",
    (LEFT, "Take one thing at a time."): "",
    (LEFT, "After 50 years of life I forget such things."): "",
    (KIN, "I have one daughter."): "C",
    (KIN, "One never knows."): "",
    (KIN, "I have two daughters, 14 and 9."): "S",
    (KIN, "Two sons. The oldest is 20."): "S",
    (KIN, "I've got two sisters. We grew up 5 miles from the sea."): "S",
    (KIN, "I have two daughters. One of them lives in Oslo, 3 hours away."): "S",
    (KIN, "No doubt about it, they are my joy."): "",
    (KIN, "None of your business."): "",
    (KIN, "I don't have any daughters."): "C",
    (KIN, "Do you have any daughters?"): "",
    (KIN, "None."): "C",
    (KIN, "Two chairs."): "S",
    (KIN, "Just two."): "S",
    (DAUGHTERS, "I have two daughters and three sons."): "S",
    (DAUGHTERS, "I have three sons."): "",
    (DAUGHTERS, "Two lovely girls."): "S",
    (DAUGHTERS, "I have five grown-up daughters."): "C",
    (DAUGHTERS, "One daughter paints, one daughter sings: I have two daughters."): "S",
    (CHILDREN, "I have one daughter and one son."): "",
    (CHILDREN, "I have 3 kids."): "C",
}
CASES = [
    *(
        (fact, text, want)
        for fact, table in ((AGE, AGES), (NAME, NAMES), (PLACE, PLACES))
        for text, want in table.items()
    ),
    *((fact, text, want) for (fact, text), want in OTHERS.items()),
]


@pytest.mark.parametrize(
    ("fact", "answer", "wanted"), CASES, ids=[f"{f.field}: {t}" for f, t, _ in CASES]
)
def test_what_is_stated_and_what_is_contradicted(fact, answer, wanted):
    said = said_of(fact, answer)

    marks = "S" * said.stated + {True: "C", False: "", None: "?"}[said.contradicted]
    assert marks == wanted, said
