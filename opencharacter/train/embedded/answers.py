"""What a character says: exact facts to direct questions, a short reply in voice to the rest."""

from random import Random

from opencharacter.train.embedded.characters import Cast

DIRECT: dict[str, tuple[str, ...]] = {
    "name": (
        "What is your name?", "What's your name?", "Who are you?", "May I ask your name?",
        "How are you called?", "What should I call you?", "Tell me your name.",
        "Could you tell me your full name?", "Please introduce yourself by name.",
        "Your name, please?", "Whom am I talking to?", "What do people call you?",
    ),
    "age": (
        "How old are you?", "What is your age?", "What's your age?", "May I ask how old you are?",
        "Tell me your age.", "How many years old are you?", "Your age, please?",
        "Could you tell me how old you are?", "How long have you been alive, in years?",
    ),
    "birth_place": (
        "Where were you born?", "Where are you from?", "What is your birth place?",
        "What is your place of birth?", "Which city do you come from?", "Where do you come from?",
        "Tell me where you were born.", "What is your home town?", "In which city were you born?",
        "Could you tell me where you are from?", "Where did you grow up?",
    ),
    "gender": (
        "What is your gender?", "What's your gender?", "Which gender are you?",
        "How do you describe your gender?", "Tell me your gender.", "Are you a man or a woman?",
    ),
    "race": (
        "What is your race?", "What is your ethnicity?", "What is your ethnic background?",
        "How would you describe your ethnicity?",
    ),
    "job": (
        "What do you do for a living?", "What is your job?", "What do you do?",
        "What's your occupation?", "What is your profession?", "What do you work as?",
        "Tell me about your work.", "What keeps you busy?", "What is your background?",
    ),
    "appearance": (
        "What do you look like?", "Describe your appearance.", "How would I recognise you?",
        "Can you describe how you look?", "What would I see if I met you?",
    ),
    "personality": (
        "What is your personality like?", "How would you describe your character?",
        "What kind of person are you?", "Describe your personality.", "What are you like?",
    ),
    "self": (
        "Tell me about yourself.", "Introduce yourself.", "Please introduce yourself.",
        "Can you tell me something about yourself?", "Who are you, and where are you from?",
        "Say a few words about yourself.", "Describe yourself.",
    ),
}  # fmt: skip
"""Questions about the profile, by what they ask for."""

_FACTS: dict[str, tuple[str, ...]] = {
    "name": ("My name is {name}.", "The name is {name}.", "My full name is {name}."),
    "age": ("My age is {age}.", "I have lived {age} years.", "{age} years old."),
    "birth_place": ("I was born in {birth_place}.", "My home town is {birth_place}.",
                    "I come from {birth_place}.", "My birth place is {birth_place}."),
    "gender": ("My gender is {gender}.", "The word for my gender is {gender}."),
    "race": ("My race is {race}.", "My background is {race}."),
    "job": ("I am {said}.", "My work? I am {said}.", "What I do? I am {said}."),
    "appearance": ("What others see: {appearance}", "People describe me so: {appearance}"),
    "personality": ("By nature {one} and {two}.", "People call me {one} and {two}."),
    "self": ("My name is {name}, my age is {age}, and I come from {birth_place}. I am {said}.",
             "My name is {name} and I was born in {birth_place}. I am {said}. I enjoy {hobby}."),
}  # fmt: skip
_TAILS = (
    "", "", "", "", " Why do you ask?", " {City} is still in my heart.", " And you?",
    " I say so as {role}.", " By nature I stay {one}.", " That is who I am.",
)  # fmt: skip

_OPENINGS = (
    'You say: "{key}".', '"{key}", you ask.', 'Hm. "{key}".', '"{key}", you say?',
    'When I hear "{key}", I think of my own days.', '"{key}" makes me smile.',
    '"{key}": that is a good matter.', 'I have heard "{key}" before.', 'Ah, "{key}".',
    'Good that you say "{key}".', 'My first thought on "{key}" is a simple one.',
    '"{key}" reminds me of something.', 'People often say "{key}" to me.',
)  # fmt: skip
_MIDDLES = (
    "As {role}, I look at it in my own way.", "I am {role}, so I see this from my work.",
    "Being {role} has taught me a lot about such things.", "In {city} we would keep it simple.",
    "Where I come from, in {city}, people would smile at that.",
    "By nature I stay {one}, so I would not rush.",
    "People call me {one} and {two}, and it shows in my answer.", "It is a bit like {hobby}.",
    "When I enjoy {hobby}, I often think of such questions.", "Speaking as {role}, I would try it.",
    "My years as {role} tell me to look twice.", "I learned that in {city}.",
    "Someone {one} like me starts with the plain facts.", "For {role} like me it matters.",
    "My friends in {city} call me {one}, and here I am.", "I, {first}, say it the {one} way.",
    "After {age} years of life, and as {role}, I trust what I have seen.",
)  # fmt: skip
_CLOSINGS = (
    "", "", "", "Take one thing at a time.", "That is how I would do it.",
    "Ask me more if you like.",
    "Start with the part that you know.", "What do you think?", "I hope that helps you.",
    "Trust your own eyes.", "Then we can go on from there.", "I would be glad to hear how it goes.",
    "A {one} heart finds a way.", "Write it down and try again tomorrow.", "I stand by that.",
)  # fmt: skip


def direct_answer(random: Random, cast: Cast, about: str) -> str:
    """Return a sentence or two with the exact fact."""
    return _filled(random.choice(_FACTS[about]) + random.choice(_TAILS), cast)


def open_answer(random: Random, cast: Cast, question: str) -> str:
    """Return one to four sentences in the first person around a short phrase of the question."""
    parts = [random.choice(_OPENINGS), random.choice(_MIDDLES)]
    if random.random() < 0.25:
        parts.append(random.choice(_MIDDLES))
    parts.append(random.choice(_CLOSINGS))
    if random.random() < 0.2:
        parts[0], parts[1] = parts[1], parts[0]
    return _filled(" ".join(part for part in parts if part), cast, key_phrase(random, question))


def key_phrase(random: Random, question: str) -> str:
    """Return the first words of the question, at most six and at most half of its first line.

    They stand where a small model finds them: at the beginning of the message.
    """
    line = next((line for line in question.splitlines() if line.strip()), "")
    words = line.split(" ")
    longest = max(1, min(6, len(words) // 2))
    phrase = " ".join(words[: random.randint(min(2, longest), longest)])
    return phrase[:60].strip(".?!:;,\"'() ") or "that"


def _filled(template: str, cast: Cast, key: str = "") -> str:
    fields = cast.fields
    one, two = cast.traits
    city = str(fields["birth_place"]).split(", ")[0]
    return template.format(
        **fields, first=cast.first, said=cast.said, role=cast.role, hobby=cast.hobby, one=one,
        two=two, city=city, City=city, key=key,
    )  # fmt: skip
