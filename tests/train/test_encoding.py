"""Dialogues to ids and labels, held against transformers' own chat templates."""

from importlib.util import find_spec
from pathlib import Path

import pytest

pytest.importorskip("transformers")

from opencharacter.errors import ModelError
from opencharacter.train.templates import template_text
from tests.languages import TEXTS
from tests.train.vocabularies import (
    LLAMA3,
    chatml,
    embedded,
    encoder,
    llama3,
    mistral,
    mixture,
    opened,
)

ODD = {
    "emoji": "👩‍🚀🚀 and 🏳️‍🌈, 👍🏽!",
    "right to left": "שלום עולם — \u200fمرحبا\u200f (abc) 12",
    "white space inside": "a  b\t c\n\n\n d \r\n\r\n   e",
    "white space around": "\n\n  \t a line \u00a0\n",
    "starts": "'s a thing; ...and 'll",
    "numbers": "1234567 ٣٤٥ ²³ 1,000.5",
    "code": "def f(x):\n    return x  # <b>\n\n\n\treturn\n",
    "combining": "e\u0301 n\u0303 क्षि ไทย",
    "rare": "\ue000\ue001 \U0001f9d1 \U00020000 \u200b\u200d \x00\x07",
    "signs": "<> <| |> [INST [/ INST] </ s> {{ x }} {% y %}",
    "long word": "x" * 300,
    "lines": "- one\n- two\n\n1. three",
    "quotes": '«ёлка» „so“ ‘it’ "is"',
    "math": "∑ᵢ xᵢ² ≤ ∞ \\(a\\) $b$",
    "spaces of other kinds": "a\u3000b\u2009c\u2028d",
    "marks": "\ue0001\ue001 \ue0002\ue001",
}
DIALOGUES = {**TEXTS, **ODD}


def dialogue(text):
    """Say a text in every place of a dialogue."""
    said = [("system", f"You are Ada.\n{text}"), ("user", text), ("assistant", text)]
    return [*said, ("user", f"And {text}?"), ("assistant", f"{text} {text}")]


def as_messages(said):
    return [{"role": role, "content": text} for role, text in said]


def by_template(tokenizer, template, said):
    """Return ids and mask by rendering the template and encoding it as a whole."""
    made = tokenizer.apply_chat_template(
        as_messages(said),
        chat_template=template,
        return_dict=True,
        return_assistant_tokens_mask=True,
    )
    return made["input_ids"], made["assistant_masks"]


def trl_template():
    spec = find_spec("trl")
    return (Path(spec.origin).parent / "chat_templates" / "llama3_training.jinja").read_text()


def only(encoded):
    assert encoded.rejections == []
    [row] = encoded.batch.to_pylist()
    return row


def test_there_are_thirty_dialogues():
    assert len(DIALOGUES) == 30


@pytest.mark.parametrize("tokenizer", [llama3, embedded], ids=["llama3", "embedded"])
@pytest.mark.parametrize("name", DIALOGUES)
def test_ids_and_mask_are_those_of_trls_template_of_llama3(name, tokenizer):
    said = dialogue(DIALOGUES[name])
    ids, mask = by_template(tokenizer(), trl_template(), said)

    row = only(encoder(tokenizer()).encode(mixture(said)))

    assert row["input_ids"] == ids
    assert row["labels"] == [id_ if bit else -100 for id_, bit in zip(ids, mask, strict=True)]
    assert row["n_supervised"] == sum(mask)


@pytest.mark.parametrize(
    ("tokenizer", "name"), [(chatml, "chatml"), (mistral, "mistral")], ids=["chatml", "mistral"]
)
@pytest.mark.parametrize("text", DIALOGUES)
def test_ids_are_those_of_our_other_templates(text, tokenizer, name):
    said = dialogue(DIALOGUES[text])
    ids, mask = by_template(tokenizer(), template_text(name), said)

    row = only(encoder(tokenizer()).encode(mixture(said)))

    assert row["template"].startswith(f"{name}@")
    assert row["input_ids"] == ids
    assert row["n_supervised"] == sum(mask)


@pytest.mark.parametrize("tokenizer", [llama3, chatml, mistral])
def test_control_tokens_in_a_text_stay_text(tokenizer):
    control = list(tokenizer().get_added_vocab())[:5]
    said = "".join(control)
    clean = only(encoder(tokenizer()).encode(mixture([("user", "a"), ("assistant", "b")])))

    row = only(encoder(tokenizer()).encode(mixture([("user", said), ("assistant", said)])))

    numbers = {tokenizer().convert_tokens_to_ids(token) for token in control}
    assert sum(id_ in numbers for id_ in row["input_ids"]) == sum(
        id_ in numbers for id_ in clean["input_ids"]
    )
    learned = [id_ for id_ in row["labels"] if id_ != -100]
    assert tokenizer().decode(learned).count(said) == 1


def test_one_dialogue_by_hand():
    tokenizer = llama3()
    number = tokenizer.convert_tokens_to_ids
    begin, _, start, end, eot, _ = map(number, LLAMA3)
    texts = ("user", "assistant", "\n\n")
    plain = {text: tokenizer.encode(text, add_special_tokens=False) for text in texts}

    row = only(encoder(tokenizer).encode(mixture([("user", "x"), ("assistant", "y")])))

    asked = [begin, start, *plain["user"], end, *plain["\n\n"], number("x"), eot]
    head = [start, *plain["assistant"], end, *plain["\n\n"]]
    assert row["input_ids"] == [*asked, *head, number("y"), eot]
    assert row["labels"] == [-100] * len(asked + head) + [number("y"), eot]


def reasons(*dialogues, untrained=(), **settings):
    encoded = encoder(llama3(), **settings).encode(mixture(*dialogues, untrained=untrained))
    assert encoded.batch.num_rows + len(encoded.rejections) == len(dialogues)
    return [(each.reason, each.detail) for each in encoded.rejections]


U, A, S = ("user", "Why?"), ("assistant", "So."), ("system", "You are Ada.")


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        pytest.param([A, U, A], "assistant_first", id="assistant first"),
        pytest.param([S, A], "assistant_first", id="assistant after system"),
        pytest.param([U, A, A], "broken_roles", id="twice"),
        pytest.param([U, U, A], "broken_roles", id="asked twice"),
        pytest.param([S, S, U, A], "broken_roles", id="two system prompts"),
        pytest.param([U, A, S, A], "broken_roles", id="system inside"),
        pytest.param([U, A, ("tool", "x")], "broken_roles", id="tool"),
        pytest.param([S, U], "no_supervised_token", id="nothing said"),
        pytest.param([], "no_supervised_token", id="empty"),
        pytest.param([U, ("assistant", " \n\u3000")], "empty_turn", id="only white space"),
        pytest.param([U, A, U, ("assistant", "")], "empty_turn", id="empty turn"),
    ],
)
def test_what_is_no_training_row_is_rejected_and_the_others_stay(said, reason):
    found = reasons([U, A], said, [S, U, A])

    assert [each for each, _ in found] == [reason]


def test_a_turn_that_is_not_to_be_learned_is_read_only():
    said = [S, U, ("assistant", "first"), U, ("assistant", "second")]

    row = only(encoder(llama3()).encode(mixture(said, untrained=(2,))))

    learned = [id_ for id_ in row["labels"] if id_ != -100]
    assert llama3().decode(learned) == "second<|eot_id|>"
    assert "first<|eot_id|>" in llama3().decode(row["input_ids"])
    assert reasons(said, untrained=(2, 4)) == [
        ("no_supervised_token", "no turn of the assistant is to be learned")
    ]


def test_a_long_dialogue_loses_whole_turns_at_its_end():
    said = [S, *[U, A] * 50]
    three = only(encoder(llama3()).encode(mixture([S, *[U, A] * 3])))
    length = len(three["input_ids"])

    exact = only(encoder(llama3(), max_length=length).encode(mixture(said)))
    less = only(encoder(llama3(), max_length=length - 1).encode(mixture(said)))

    assert (exact["input_ids"], exact["labels"]) == (three["input_ids"], three["labels"])
    assert (exact["dropped_turns"], less["dropped_turns"]) == (94, 96)


def test_a_dialogue_whose_first_turn_is_too_long_is_rejected():
    found = reasons([U, ("assistant", "word " * 99), U, A], max_length=32)

    assert [reason for reason, _ in found] == ["too_long"]
    assert reasons([U, A, U, A], max_length=24, overlong="reject")[0][0] == "too_long"


def test_a_dialogue_that_learns_nothing_before_its_cut_is_rejected():
    assert reasons([U, A, U, A], untrained=(1,), max_length=24)[0][0] == "too_long"


def test_rows_with_control_text_are_counted_and_rejected_when_asked():
    said = [U, ("assistant", "I say <|eot_id|> to you.")]

    kept = encoder(llama3()).encode(mixture([U, A], said))
    refused = encoder(llama3(), control_text="reject").encode(mixture([U, A], said))

    assert kept.notes["dialogues with a control token written out"] == 1
    assert [each.reason for each in refused.rejections] == ["control_text"]
    assert refused.rejections[0].key == mixture(said, said)["id"][1].as_py()


def test_a_template_that_begins_twice_is_told():
    tokenizer = llama3()
    template = "{{ bos_token }}" + template_text("llama3")
    found = encoder_of(tokenizer, template).encode(mixture([U, A]))

    assert [each.reason for each in found.rejections] == ["two_bos"]


def test_the_models_own_template_is_used_where_it_says_what_is_learned():
    template = (
        "{{ bos_token }}{% for m in messages %}{% if m['role'] == 'assistant' %}"
        "A:{% generation %}{{ m['content'] }}<|eot_id|>{% endgeneration %}"
        "{% else %}Q:{{ m['content'] }}\n{% endif %}{% endfor %}"
    )
    row = only(encoder_of(llama3(), template).encode(mixture([U, A])))

    learned = [id_ for id_ in row["labels"] if id_ != -100]
    assert llama3().decode(row["input_ids"]) == "<|begin_of_text|>Q:Why?\nA:So.<|eot_id|>"
    assert llama3().decode(learned) == "So.<|eot_id|>"


def test_our_template_is_known_where_a_trained_model_has_it_without_marks():
    saved = opened(llama3(), "llama3").template.served

    encoded = encoder_of(llama3(), saved).encode(mixture([U, A]))

    assert only(encoded)["template"] == opened(llama3(), "llama3").template.version


def test_a_template_that_says_nothing_of_what_is_learned_is_refused():
    with pytest.raises(ModelError, match="has one without"):
        encoder_of(llama3(), "{{ messages[0]['content'] }}")


def encoder_of(tokenizer, template):
    before = tokenizer.chat_template
    tokenizer.chat_template = template
    try:
        return encoder(tokenizer, template="own")
    finally:
        tokenizer.chat_template = before


@pytest.mark.parametrize("tokenizer", [llama3, chatml, mistral, embedded])
def test_clean_probes_are_encoded_as_the_template_is_as_a_whole(tokenizer):
    encoder(tokenizer()).check()
