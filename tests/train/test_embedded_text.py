"""The text that the embedded model is trained on."""

import json
from itertools import islice
from random import Random

import pytest

from opencharacter.prompts.profile import FIELDS
from opencharacter.records import Role
from opencharacter.train.embedded.answers import key_phrase
from opencharacter.train.embedded.dialogues import (
    dialogues,
    profile_dialogue,
    rewrite_dialogue,
)
from opencharacter.train.embedded.personas import is_heldout, role_phrase, said_of, verbatim
from opencharacter.train.embedded.phrases import echo
from opencharacter.train.embedded.pretrain import FOLDER
from opencharacter.train.embedded.tokenizer import encode

transformers = pytest.importorskip("transformers")


@pytest.fixture(scope="module")
def tokenizer():
    return transformers.AutoTokenizer.from_pretrained(FOLDER)


def test_the_same_seed_makes_the_same_text():
    first, again, other = (list(islice(dialogues(seed), 20)) for seed in (1, 1, 2))

    assert first == again
    assert first != other


def test_no_held_out_persona_is_trained_on():
    trained = [dialogue.cast.line.text for dialogue in islice(dialogues(3), 200)]
    tested = [dialogue.cast.line.text for dialogue in islice(dialogues(3, heldout=True), 50)]

    assert not any(map(is_heldout, trained))
    assert all(map(is_heldout, tested))


def test_profiles_are_json_of_the_eight_fields_without_escapes():
    for seed in range(100):
        answer = profile_dialogue(Random(seed)).messages[-1].content

        assert list(json.loads(answer)) == list(FIELDS)
        assert "\\" not in answer  # the schema's bounded strings know no escapes


def test_the_experience_repeats_the_persona():
    for seed in range(50):
        person = profile_dialogue(Random(seed)).cast

        assert str(person.fields["experience"]).startswith(verbatim(person.line.text))


def test_the_first_hinted_name_is_taken_where_the_persona_has_none():
    made = [profile_dialogue(Random(seed)) for seed in range(60)]
    hinted = [
        dialogue
        for dialogue in made
        if "take one such as" in dialogue.messages[0].content and not dialogue.cast.line.name
    ]

    assert len(hinted) > 10
    for each in hinted:
        hints = each.messages[0].content.split("take one such as: ")[1]
        assert hints.startswith(str(each.cast.fields["name"]))


def test_a_birth_place_is_the_one_that_the_persona_says():
    made = [profile_dialogue(Random(seed)).cast for seed in range(200)]
    said = [each for each in made if f" born in {each.fields['birth_place']}" in each.line.text]

    assert said
    assert all(person.line.place == person.fields["birth_place"] for person in said)


def test_an_echo_is_a_piece_of_the_text():
    text = "one two three four five six seven"

    echoes = {echo(Random(seed), text, longest=4) for seed in range(50)}

    assert all(each in text and 1 <= len(each.split()) <= 4 for each in echoes)
    assert len(echoes) > 5
    assert echo(Random(1), "alone") == "alone"


def test_rewrites_keep_users_and_references_word_for_word():
    for seed in range(50):
        asked, answered = rewrite_dialogue(Random(seed)).messages
        given = json.loads(asked.content.split("# Dialogue\n")[1])["dialogue"]
        made = json.loads(answered.content)["dialogue"]

        assert [turn["user"] for turn in given] == [turn["user"] for turn in made]
        assert all(g["assistant"] in m["assistant"] for g, m in zip(given, made, strict=True))


def test_key_phrases_are_short_pieces_of_the_question():
    question = "How do I bake good bread at home?"

    phrases = [key_phrase(Random(seed), question) for seed in range(30)]

    assert all(phrase in question and 2 <= len(phrase.split()) <= 6 for phrase in phrases)


def test_the_role_ends_where_the_first_clause_begins():
    assert (
        role_phrase(said_of("A robotics researcher working on robots")) == "a robotics researcher"
    )


def test_only_the_assistants_text_is_learned(tokenizer):
    dialogue = next(each for each in dialogues(5) if len(each.messages) > 4)
    tokens = encode(tokenizer, dialogue.messages)
    learned = [id_ for id_, kept in zip(*tokens, strict=True) if kept]

    spoken = [m.content.strip() for m in dialogue.messages if m.role is Role.assistant]

    assert tokenizer.decode(learned) == "".join(f"{text}<|eot_id|>" for text in spoken)


def test_training_sees_the_tokens_of_the_chat_template(tokenizer):
    for dialogue in islice(dialogues(6), 20):
        chat = [{"role": m.role.value, "content": m.content} for m in dialogue.messages]
        text = tokenizer.apply_chat_template(chat, tokenize=False)

        assert tokenizer(text)["input_ids"] == encode(tokenizer, dialogue.messages).ids


def test_any_text_survives_the_tokenizer(tokenizer):
    text = 'naïve 北京 🙂 "Don\'t"\n\n\tреки 3.14\\n   x = {"a": 1}'

    assert tokenizer.decode(tokenizer.encode(text)) == text
