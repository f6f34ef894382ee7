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
    ],
)
def test_code_formulas_and_sets_pass(text):
    assert placeholder(text) is None


def test_what_the_question_shows_may_be_said_again():
    assert placeholder("Put your own at {NAME}.", "What is {NAME} for?") is None
