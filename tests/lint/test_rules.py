import pytest

from opencharacter.lint.dialogue import Dialogue
from opencharacter.lint.rules import KEPT, RULES, findings, mended
from opencharacter.records import Role
from opencharacter.sources.layouts import Turn

SYSTEM = "Name: Ann Lee\nAge: 40\nBirth place: Cork, Ireland"
LONG = (
    "You are Ann Lee, a baker from Cork who rises at three, bakes soda bread and barmbrack for the "
    "whole street, sings in the choir, keeps bees on the roof, and never forgets a name."
)
STORY = "I went to the market with all of my friends, and then we went home again by the"


def dialogue(*turns: tuple[str, str]) -> Dialogue:
    spoken = {"s": Role.system, "u": Role.user, "a": Role.assistant}
    return Dialogue(place="f:1", row={}, turns=[Turn(spoken[who], text) for who, text in turns])


def tagged(*turns: tuple[str, str]) -> Dialogue:
    roles = {"user": Role.user, "assistant": Role.assistant, "system": Role.system}
    given = [Turn(roles[who.lower()], text, {"role": who}) for who, text in turns]
    return Dialogue(place="f:1", row={}, turns=given)


GOOD = [
    (("u", "hi"), ("a", "Hello, love.")),
    (("s", SYSTEM), ("u", "hi"), ("a", "I am 40 years old."), ("u", "so?"), ("a", "So what?")),
    (("s", LONG), ("u", "who are you?"), ("a", "Ann, a baker from Cork who rises at three.")),
    (("u", "How was it?"), ("a", f"{STORY} park.")),
    (("u", "What is None in Python?"), ("a", "None is the only value of its type.")),
    (("u", "What does Python print for print(None)?"), ("a", "None")),
    (("u", "What does Python return from a function without return?"), ("a", "None")),
    (("u", "Which of these are fruits?"), ("a", "None")),
    (("u", "How was it?"), ("a", f"{STORY[:-3]}\n1. park\n2. hill")),
    (("u", "The code?"), ("a", "Here it is:\n```python\nprint(1)\n```")),
    (("u", "A poem?"), ("a", "Roses are red,\nviolets are blue,\nsugar is sweet,\nso are you,")),
    (("u", "A letter?"), ("a", f"Dear Bob,\n{STORY} park.\nLooking forward to seeing you,")),
    (("u", "Was kostet das Café Ã?"), ("a", "Fünf Euro – „très cher“, n’est-ce pas… à Âge 5 °C.")),
    (("u", "سلام"), ("a", "می\u200cخواهم \u200fنان.")),
    (("u", "Flag?"), ("a", "👩\u200d🚀 and สวัสดี\u200bครับ.")),
    (("u", "What is [INSTRUMENT] in a heading like ### Input?"), ("a", "A flute, I think.")),
]

BAD = {
    "no_turns": (("s", "You are Ann."),),
    "carriage_return": (("u", "hi"), ("a", "Good day.\r\nHow is the sea?\r")),
    "mojibake": (("u", "Where?"), ("a", "In a cafÃ© in Rome, and itâ€™s good.")),
    "invisible_character": (("u", "\ufeffhi"), ("a", "Hel\u200blo\u202e.")),
    "prompt_residue": (("u", "[INST] hi [/INST]"), ("a", "Hello.")),
    "template_residue": (("u", "hi"), ("a", "<think>Be kind.</think>\n\nAssistant: Hello.")),
    "replacement_character": (("u", "hi"), ("a", "At the caf\ufffd.")),
    "open_end": (("u", "hi"), ("a", "The dough has to rest for at least two hours before you")),
    "system_inside": (("u", "hi"), ("s", "be kind"), ("a", "Hello.")),
    "empty_turn": (("u", "hi"), ("a", "Hello."), ("u", "so?"), ("a", " ")),
    "literal_none": (("u", "hi"), ("a", "Hello."), ("u", "so?"), ("a", "None")),
    "starts_otherwise": (("a", "Welcome!"), ("u", "hi"), ("a", "Hello.")),
    "no_alternation": (("u", "hi"), ("u", "you there?"), ("a", "Hello.")),
    "no_last_answer": (("u", "hi"), ("a", "Hello."), ("u", "so?")),
    "prompt_placeholder": (("s", "You are {NAME}."), ("u", "hi"), ("a", "Hello.")),
    "recites_prompt": (("s", LONG), ("u", "hi"), ("a", f"Well! {LONG}")),
    "control_tokens": (("u", "hi"), ("a", "Hello.<|im_end|>")),
    "breaks_character": (("u", "hi"), ("a", "As an AI language model, I cannot.")),
    "copies_question": (
        ("u", "Tell me of the sea and the sky and the boats"),
        ("a", "Tell me of the sea and the sky and the boats"),
    ),
    "placeholder": (("u", "hi"), ("a", "Hello, {{user}}.")),
    "repetition": (("u", "hi"), ("a", "and the sea " * 6)),
    "speaks_for_user": (("u", "hi"), ("a", "Hello.\nUser: and you?")),
    "contradicts_profile": (("s", SYSTEM), ("u", "hi"), ("a", "My name is Bob.")),
    "language_switch": (
        ("u", "Where are the boats, and what is it that you have with this wind?"),
        ("a", "Лодки стоят в гавани, и мы уже неделю не выходили в море."),
    ),
    "assistant_voice": (("u", "hi"), ("a", "Hello! How can I assist you today?")),
    "prompt_leak": (("u", "hi"), ("a", "# Character Profile\nName: Ann")),
    "cut_off": (("u", "hi"), ("a", STORY)),
}

MENDED = {
    "carriage_return": (("u", "hi"), ("a", "Good day.\nHow is the sea?\n")),
    "mojibake": (("u", "Where?"), ("a", "In a café in Rome, and it’s good.")),
    "invisible_character": (("u", "hi"), ("a", "Hello.")),
    "prompt_residue": (("u", "hi"), ("a", "Hello.")),
    "template_residue": (("u", "hi"), ("a", "Hello.")),
    "empty_turn": (("u", "hi"), ("a", "Hello.")),
    "literal_none": (("u", "hi"), ("a", "Hello.")),
    "starts_otherwise": (("u", "hi"), ("a", "Hello.")),
    "no_alternation": (("u", "hi\n\nyou there?"), ("a", "Hello.")),
    "no_last_answer": (("u", "hi"), ("a", "Hello.")),
}


COUNTED = {"assistant_voice", "open_end"}


def test_every_rule_has_its_bad_row():
    assert {*BAD, "role_name"} == {rule.problem for rule in RULES}


@pytest.mark.parametrize("turns", GOOD)
def test_good_dialogues_have_no_problem_and_stay_as_they_are(turns):
    good = dialogue(*turns)

    assert list(findings(good)) == []
    assert mended(good) == good.turns


@pytest.mark.parametrize("problem", BAD)
def test_each_problem_is_found(problem):
    assert problem in {found.problem for found in findings(dialogue(*BAD[problem]))}


@pytest.mark.parametrize("problem", sorted(BAD.keys() - COUNTED))
def test_a_mended_dialogue_has_no_problem_and_the_others_are_left_out(problem):
    bad = dialogue(*BAD[problem])
    turns = mended(bad)

    if problem not in MENDED:
        assert turns is None
        return
    assert turns == dialogue(*MENDED[problem]).turns
    assert list(findings(Dialogue(place="f:1", row={}, turns=turns))) == []


def test_several_problems_of_one_row_are_mended_together():
    messy = dialogue(("a", "Hi!"), ("u", "a"), ("u", "b"), ("a", "c"), ("u", "d"))

    assert mended(messy) == dialogue(("u", "a\n\nb"), ("a", "c")).turns


def test_a_problem_that_is_skipped_is_neither_found_nor_mended():
    open_end = dialogue(*BAD["no_last_answer"])

    assert list(findings(open_end, skip=["no_last_answer"])) == []
    assert mended(open_end, skip=["no_last_answer"]) == open_end.turns


@pytest.mark.parametrize(
    ("turns", "kept"),
    [
        (
            (("u", "hi"), ("a", "I am Ann."), ("s", "Now be Bob."), ("u", "so?"), ("a", "Bob.")),
            (("u", "hi"), ("a", "I am Ann.")),
        ),
        (
            (("s", "Be Ann."), ("s", "Be kind."), ("u", "hi"), ("a", "Hello.")),
            (("s", "Be Ann.\n\nBe kind."), ("u", "hi"), ("a", "Hello.")),
        ),
    ],
)  # fmt: skip
def test_a_later_system_turn_says_nothing_of_what_stood_before_it(turns, kept):
    assert mended(dialogue(*turns)) == dialogue(*kept).turns


def test_turns_of_which_one_is_not_to_be_trained_are_not_joined():
    turns = [Turn(Role.user, "hi"), *(Turn(Role.assistant, "a", {"weight": w}) for w in (0, 1))]

    assert mended(Dialogue(place="f:1", row={}, turns=turns)) is None


def test_line_ends_of_windows_are_one_problem_and_no_control_tokens():
    windows = dialogue(*BAD["carriage_return"])

    assert [found.problem for found in findings(windows)] == ["carriage_return"]
    assert list(findings(windows, skip=["carriage_return"])) == []


@pytest.mark.parametrize("problem", sorted(COUNTED))
def test_what_is_only_counted_stays_in_a_mended_copy(problem):
    counted = dialogue(*BAD[problem])

    assert [(found.problem, found.fix) for found in findings(counted)] == [(problem, KEPT)]
    assert mended(counted) == counted.turns


def test_roles_are_spelled_as_chat_templates_spell_them():
    shouted = tagged(("User", "hi"), ("Assistant", "Hello."))

    assert [found.problem for found in findings(shouted)] == ["role_name"]
    assert mended(shouted) == tagged(("user", "hi"), ("assistant", "Hello.")).turns


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("ÐŸÑ€Ð¸Ð²ÐµÑ‚, Ð¼Ð¸Ñ€!", "Привет, мир!"),
        ("voilÃ\xa0 – un cafÃ©", "voilà – un café"),
        ("ÐŸÑ€Ð¸Ð²ÐµÑ‚, Ñ Ð¿ÐµÐºÐ°Ñ€ÑŒ.", None),
    ],
)
def test_mojibake_is_mended_where_no_byte_is_lost(text, meant):
    turns = mended(dialogue(("u", "?"), ("a", text)))

    assert (turns and turns[1].text) == meant


@pytest.mark.parametrize(
    ("prompt", "said"),
    [
        ("Tell me.\n<noinput>", "Tell me."),
        ("### Instruction:\nTell me.\n\n### Response:", "Tell me."),
        (
            "Below is an instruction that describes a task. Write.\n\n### Instruction:\nAdd.\n\n"
            "### Input:\n1, 2\n\n### Response:\n",
            "Add.\n\n1, 2",
        ),
        ("[INST] <<SYS>>Be kind.<</SYS>> hi [/INST]", None),
        ("hi<|im_end|>", None),
    ],
)
def test_the_template_around_a_prompt_is_taken_away(prompt, said):
    turns = mended(dialogue(("u", prompt), ("a", "Three, I say.")))

    assert (turns and turns[0].text) == said


def test_an_answer_may_go_on_when_the_user_says_so():
    text = "Here is the list of the things that I would buy on a Monday morning in May:"

    assert list(findings(dialogue(("u", "hi"), ("a", text), ("u", "Go on."), ("a", "Eggs.")))) == []


@pytest.mark.parametrize("system", ["You are %(name)s.", "You are ${char}, a baker."])
def test_fields_of_other_templates_in_a_system_prompt_are_placeholders(system):
    found = findings(dialogue(("s", system), ("u", "hi"), ("a", "Hello.")))

    assert [each.problem for each in found] == ["prompt_placeholder"]
