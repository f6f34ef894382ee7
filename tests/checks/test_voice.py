import pytest

from opencharacter.checks.voice import assistant_voice, speaks_for_user


@pytest.mark.parametrize(
    "answer",
    [
        "hello! how can i assist you today?",
        "the pier is on the left. i hope this helps!",
        "feel free to ask if something is unclear.",
        "is there anything else i can help you with?",
        "let me know if you have any other questions.",
        "sure, here's a poem about the sea:",
        "certainly! here are five ideas:",
        "of course! i'm here to help.",
    ],
)
def test_the_phrases_of_chat_assistants_are_seen(answer):
    assert assistant_voice(answer) is not None


@pytest.mark.parametrize(
    "answer",
    [
        "what brings you to my shop, stranger?",
        "how can i put this? the sea took him.",
        "here is the net you asked for.",
        "i hope you brought a coat.",
        "i am here to fish, not to talk.",
        "let me know when the tide turns.",
        "sure as the tide, he came back.",
        "feel free to sit down.",
    ],
)
def test_people_who_talk_pass(answer):
    assert assistant_voice(answer) is None


@pytest.mark.parametrize(
    "answer",
    [
        "aye.\nuser: and then?\nassistant: then he left.",
        "aye.\n**user:** and then?",
        "aye.\n### human: and then?",
        "user: hello",
        "the pier is on the left 😊\n\nuser: thank you",
        "steps:\n1. mix: the flour\n2. bake.\nuser: and then?\nassistant: eat.",
        "run this:\n```\nmake\n```\nuser: it failed!",
        "aye.\nuser: the boat is gone.\n\nassistant: so it is.",
        "sure thing.\nuser: and?\nassistant: then he left.\nann: what?",
        "aye.\n[user]: what about the boat?",
        "aye.\n> user: what about the boat?",
    ],
)
def test_going_on_as_the_user_is_seen(answer):
    assert speaks_for_user(answer, "What happened?") is not None


@pytest.mark.parametrize(
    ("answer", "question"),
    [
        ("user: hi\nbot: hello", "Write a dialogue between a user and a bot."),
        ("user: admin\npassword: x", "Show me the config as YAML."),
        ("i am only human: i err.", "Did you err?"),
        ("a user: somebody who uses.", "What is it?"),
        ("tell the user\n: nothing.", "What shall I say?"),
        ("user:", "What is the word?"),
        ("columns:\nuser: id, name, email\norder: id, total", "Give me a database schema."),
        ("the tables are these.\nuser: id, name, email", "Give me a database schema."),
        ("it goes so.\n- user: enters the password\n- system: checks it", "Give me a use case."),
        ("it goes so.\n- user: i enter my password!", "Give me a use case."),
        ("these are two.\nhuman: homo sapiens\ndog: canis familiaris", "List the taxonomy."),
        ("print it:\n```\nhi.\nuser: what now?\n```", "Show me the log."),
        ("they met.\nuser: who are you?\nking: i rule.\nfool: he does!", "Tell a tale."),
        ("aye.\nuser: hello?", "Go on. User: hi"),
        ("there are two.\nuser: can read your files.\nadmin: can write them.", "What roles?"),
        ("two kinds.\nhuman: you and i are of flesh.\nrobot: made of steel.", "Any difference?"),
        ("they take turns.\nuser: what's up?\nbot: the sky.", "How do chatbots work?"),
        ("so we go:\nuser: what now?", "Act it with me: a role-play."),
    ],
)
def test_dialogues_on_request_and_plain_words_pass(answer, question):
    assert speaks_for_user(answer, question) is None
