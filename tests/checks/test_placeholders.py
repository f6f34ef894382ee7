import pytest

from opencharacter.checks.placeholders import placeholder


@pytest.mark.parametrize(
    "text",
    [
        "Hello {NAME}, come in.",
        "{{char}} waves at {{user}}.",
        "My name is {name}.",
        "You are {CHARACTER_NAME}, a sailor.",
        "Follow the guidance: {guidance}",
        "<USER> asked me that before.",
        "<START> Come in.",
        "I answer {{ user }} gladly.",
        "It costs $5. Hello {NAME}, pay me $6.\nBye.",
    ],
)
def test_what_a_template_left_behind_is_seen(text):
    assert placeholder(text) is not None


@pytest.mark.parametrize(
    "text",
    [
        "The set {a, b, c} has three members.",
        "f'{name} is {age}' is how I print it: `print(f\"{name}\")`.",
        "```python\nprint('{name}'.format(name='x'))\n```",
        "The fraction is \\frac{A}{BC} and x_{MAX}.",
        "$\\text{NAME} = {NAME}$ is the formula.",
        'The JSON is {"name": "Ann"}.',
        "Use ${NAME} in the shell.",
        "body { color: red }",
        "List<String> and <b>bold</b> are not it.",
        "if x < 3 {return}",
        'print(f"Hello {name}")',
        "print(rf'{name} is here')",
        'print("Hello {name}".format(name="x"))',
        "Connect to ${HOST}:${PORT}/${NAME}.",
        "<p>Hello {{ user }}</p>",
        "GET /users/{name}",
        "git clone https://github.com/<USER>/repo, then ssh <USER>@host",
        "The set {NULL} is not {PQR}.",
        "Dear [Your Name],\nI am sorry.\nYours, [Company Name]",
    ],
)
def test_code_formulas_and_sets_pass(text):
    assert placeholder(text) is None


def test_answers_about_code_may_have_braces():
    assert placeholder("Begin: You are {character}.", "How do I write a prompt?") is None


def test_what_the_question_shows_may_be_said_again():
    assert placeholder("Put your own at {NAME}.", "What is {NAME} for?") is None


def test_a_line_of_code_hides_no_placeholder_on_other_lines():
    assert placeholder('print("{x}".format(x=1))\nHello {NAME}.') is not None
    assert placeholder("> a quotation\nI am [Your Name].", "Who are you?") is not None


@pytest.mark.parametrize("question", ["Who are you?", "Introduce yourself.", "Hello!", ""])
@pytest.mark.parametrize(
    "answer",
    [
        "Hi, I am [Your Name] and I bake.",
        "My name is [Name], stranger.",
        "I bake at [Company Name] in the old town.",
        "We live in [insert city].",
        "I am ${name}, a baker.",
        "My name is %(name)s.",
    ],
)
def test_a_blank_in_what_a_character_says_of_itself_is_seen(answer, question):
    assert placeholder(answer, question) is not None


@pytest.mark.parametrize(
    ("answer", "question"),
    [
        ("My name is [Your Name] and I wish to apply.", "Write a cover letter."),
        ("My name is [Your Name], pleased to meet you.", "How do I introduce myself?"),
        ('Try this: "I am [Your Name] from [Company Name]."', "What do callers say?"),
        ("I am [Your Name], the baker.", "Say it with [Your Name]."),
        ("I am ${name}, it prints.", "What does this shell script do?"),
        ("I read [Name](https://example.org) every day.", "What do you read?"),
        ("He said that I took [my] bag.", "What did he say?"),
    ],
)
def test_blanks_in_texts_for_the_user_pass(answer, question):
    assert placeholder(answer, question) is None
