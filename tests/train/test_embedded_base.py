"""The embedded base: text without characters, and a model of the same kind as the embedded one."""

import json
import re
from itertools import islice
from random import Random

import pytest

from opencharacter.config import ModelConfig
from opencharacter.llm.opening import EMBEDDED, EMBEDDED_BASE, model_name, model_path
from opencharacter.prompts.character import system_prompt
from opencharacter.prompts.profile import LABELS
from opencharacter.records import Role
from opencharacter.train.embedded.characters import cast
from opencharacter.train.embedded.language import copying, general_dialogues, itemising, reading
from opencharacter.train.embedded.personas import persona_line
from opencharacter.train.embedded.pretrain import BASE_FOLDER, FOLDER

transformers = pytest.importorskip("transformers")

DIALOGUES = list(islice(general_dialogues(1), 1500))
TEXT = "\n".join(message.content for dialogue in DIALOGUES for message in dialogue)


def test_the_same_seed_makes_the_same_text():
    assert list(islice(general_dialogues(1), 50)) == DIALOGUES[:50]
    assert list(islice(general_dialogues(2), 50)) != DIALOGUES[:50]


def test_every_dialogue_alternates_and_ends_with_an_answer():
    for dialogue in DIALOGUES:
        spoken = [message.role for message in dialogue if message.role is not Role.system]

        assert spoken == [Role.user, Role.assistant] * (len(spoken) // 2)
        assert all(message.content.strip() for message in dialogue)


def test_no_sentence_of_a_characters_prompt_is_in_it():
    person = cast(Random(1), persona_line(Random(1))).character
    sentences = re.findall(r"[A-Z][^.\n]{12,}\.", system_prompt(person).replace(person.profile, ""))

    assert len(sentences) > 3
    assert not [sentence for sentence in sentences if sentence in TEXT]


@pytest.mark.parametrize(
    "said",
    ["My name", "years old", "was born", "I am a", "You are", "# Persona", "Character Profile"],
)
def test_nobody_in_it_says_who_he_is(said):
    assert said not in TEXT


def test_no_line_of_it_is_headed_as_a_line_of_a_profile_is():
    assert not re.search(rf"^({'|'.join(LABELS.values())}):", TEXT, re.MULTILINE)


def test_what_is_read_stands_in_the_text_that_was_given():
    for seed in range(100):
        dialogue = reading(Random(seed))
        given = " ".join(m.content for m in dialogue if m.role is not Role.assistant)
        for answer in (m.content for m in dialogue if m.role is Role.assistant):
            words = answer.rstrip(".").split()

            assert words[-1] in given or words[-2] in given  # "34 metres", "Of clay"


def test_copies_are_exact():
    for seed in range(50):
        turns = [message for message in copying(Random(seed)) if message.role is not Role.system]

        for asked, said in zip(turns[::2], turns[1::2], strict=True):
            assert asked.content.endswith(said.content)


def test_listed_things_are_those_that_were_named():
    made = [itemising(Random(seed))[-2:] for seed in range(60)]
    named = [
        (a.content, b.content) for a, b in made if ": " in a.content and "List" not in a.content
    ]

    assert len(named) > 20
    for asked, listed in named:
        items = [line.split(". ", 1)[1] for line in listed.split("\n")]
        assert asked.endswith(", ".join(items))


def test_the_base_is_of_the_same_kind_as_the_embedded_model():
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        assert (BASE_FOLDER / name).read_bytes() == (FOLDER / name).read_bytes()
    base, model = (
        json.loads((folder / "config.json").read_text()) for folder in (BASE_FOLDER, FOLDER)
    )

    assert base == model
    assert (BASE_FOLDER / "model.safetensors").stat().st_size < 10_000_000


def test_the_base_has_other_weights_than_the_embedded_model():
    names = [model_name(ModelConfig(model=model)) for model in (EMBEDDED, EMBEDDED_BASE)]

    assert names[1].startswith("embedded_base@")
    assert names[0].partition("@")[2] != names[1].partition("@")[2]
    assert model_path(ModelConfig(model=EMBEDDED_BASE)) == str(BASE_FOLDER)


def test_the_card_says_what_it_has_not_seen():
    card = (BASE_FOLDER / "README.md").read_text(encoding="utf-8")

    assert "has met no character" in card
    assert "not a language model for real work" in card
