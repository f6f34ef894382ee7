"""Dialogues as pairs for an encoder and a decoder: what is read, what is said, what is left out."""

import pytest
from transformers import AutoTokenizer

from opencharacter.config import ControlText, Overlong, PlainConfig
from opencharacter.errors import AccountingError, ModelError
from opencharacter.records import Tokens
from opencharacter.train import mask
from opencharacter.train.mask import Said, check_pairs
from tests.languages import TEXTS
from tests.train.encoders import fred, pair_encoder, t5
from tests.train.vocabularies import mixture

SYSTEM = ("system", "You are Ada.")
LONG = (
    *(SYSTEM, ("user", "Who are you?"), ("assistant", "I am Ada.")),
    *(("user", "And now?"), ("assistant", "Now I bake bread.")),
)
# The layout of the published Russian persona dialogues, whose prefix names a denoiser.
RUSSIAN = PlainConfig(
    prefix="<SC6>",
    system="{text} Продолжи диалог:\n",
    user="Собеседник: {text}\n",
    assistant="Ты: {text}\n",
    answer="Ты: ",
    mark="<extra_id_0>",
    end="</s>",
)


def pairs_of(encoder, *dialogues, **mixed):
    done = encoder.encode(mixture(*dialogues, **mixed))
    rows = done.batch.to_pylist()
    return [(row["input_ids"], row["labels"]) for row in rows], done


def test_each_turn_is_answered_from_all_before_it():
    found, done = pairs_of(pair_encoder(t5()), LONG)

    assert [t5().decode(read) for read, _ in found] == [
        "You are Ada. User: Who are you? Assistant:</s>",
        "You are Ada. User: Who are you? Assistant: I am Ada. User: And now? Assistant:</s>",
    ]
    assert [t5().decode(said) for _, said in found] == ["I am Ada.</s>", "Now I bake bread.</s>"]
    assert done.notes["assistant turns decoded and found equal"] == 2


def test_the_rows_are_those_of_the_record():
    row, other = pair_encoder(t5()).encode(mixture(LONG)).batch.to_pylist()
    taken = {name: value for name, value in row.items() if name != "id"}

    assert Tokens(**taken).id == row["id"] != other["id"]
    assert (row["turn"], other["turn"], row["n_supervised"]) == (2, 4, len(row["labels"]))


def test_the_published_layout_of_fred_t5_is_met_to_the_letter():
    [(read, said)], _ = pairs_of(pair_encoder(fred(), RUSSIAN), LONG[:3])

    text = "<SC6>You are Ada. Продолжи диалог:\nСобеседник: Who are you?\nТы: <extra_id_0>"
    assert fred().decode(read) == text
    assert read == fred()(text)["input_ids"]
    assert fred().decode(said) == "<extra_id_0>I am Ada.</s>"


@pytest.mark.parametrize(("tokenizer", "plain"), [(t5, None), (fred, RUSSIAN)])
def test_what_is_saved_as_the_chat_template_asks_as_training_did(tokenizer, plain, tmp_path):
    encoder = pair_encoder(tokenizer(), plain)
    tokenizer().save_pretrained(tmp_path)
    served = AutoTokenizer.from_pretrained(tmp_path)
    served.chat_template = encoder._asked.tokenizer.template.served
    for text in TEXTS.values():
        asked = [("user", f"{text} 'quoted' \"twice\" {{braces}}"), ("assistant", "ok")]
        encoder.check()
        found, done = pairs_of(encoder, (SYSTEM, *asked))
        messages = [{"role": role, "content": said} for role, said in (SYSTEM, asked[0])]
        ids = served.apply_chat_template(messages, add_generation_prompt=True, return_dict=True)

        assert found == [] or ids["input_ids"] == found[0][0]
        assert found or done.rejections[0].reason == "unknown_token"


def test_a_token_that_is_written_out_stays_text():
    said = [("user", "Say <extra_id_0></s><SC1>"), ("assistant", "No </s> here <LM>")]
    [(read, answer)], _ = pairs_of(pair_encoder(fred(), RUSSIAN), said)
    special = {fred().convert_tokens_to_ids(token) for token in ("</s>", "<SC1>", "<LM>")}

    assert not special & {*read, *answer[:-1]}
    assert fred().decode(answer) == "<extra_id_0>No </s> here <LM></s>"


def test_what_is_too_long_to_read_loses_its_oldest_exchanges():
    dialogue = (SYSTEM, *(each for n in range(6) for each in _exchange(n)))
    whole, _ = pairs_of(pair_encoder(t5()), dialogue)
    most = len(whole[2][0])  # as long as with two exchanges before the question
    cut, done = pairs_of(pair_encoder(t5(), max_length=most), dialogue)

    assert cut[:3] == whole[:3]
    assert [len(read) for read, _ in cut[3:]] == [most] * 3
    last = "You are Ada. User: Who are you, 3? Assistant: I am 3. User: Who are you, 4? "
    assert (
        t5().decode(cut[5][0]) == last + "Assistant: I am 4. User: Who are you, 5? Assistant:</s>"
    )
    assert done.batch.column("dropped_turns").to_pylist() == [0, 0, 0, 2, 4, 6]
    assert done.rejections == []


def _exchange(number):
    return ("user", f"Who are you, {number}?"), ("assistant", f"I am {number}.")


@pytest.mark.parametrize(
    ("asked", "dialogue", "reason", "kept"),
    [
        ({"max_length": 12}, LONG, "too_long", 0),
        ({"max_length": 36, "overlong": Overlong.reject}, LONG, "too_long", 1),
        ({"max_answer": 10}, LONG, "answer_too_long", 1),
        ({}, (*LONG[:2], ("assistant", "☃")), "unknown_token", 0),
        (
            {"control_text": ControlText.reject},
            [*LONG[:2], ("assistant", "</s>")],
            "control_text",
            0,
        ),
        ({}, (("assistant", "Hello"),), "assistant_first", 0),
    ],
    ids=["read", "reject", "answer", "letter", "control", "first"],
)
def test_what_is_left_out_has_a_reason_and_is_never_half_a_turn(asked, dialogue, reason, kept):
    found, done = pairs_of(pair_encoder(t5(), **asked), dialogue)

    assert {each.reason for each in done.rejections} == {reason}
    assert len(found) == kept
    assert len({each.key for each in done.rejections}) == len(done.rejections)


def test_a_turn_that_is_not_learned_is_read_all_the_same():
    [(read, said)], _ = pairs_of(pair_encoder(t5()), LONG, untrained=(2,))

    assert "Assistant: I am Ada." in t5().decode(read)
    assert t5().decode(said) == "Now I bake bread.</s>"


def test_the_proof_sees_a_pair_that_says_something_else():
    encoder = pair_encoder(t5())
    batch = encoder.encode(mixture(LONG[:3])).batch
    for said in (Said("You are Eva. User: Who are you? Assistant:", "I am Ada."),
                 Said("You are Ada. User: Who are you? Assistant:", "I am Eva.")):  # fmt: skip
        with pytest.raises(AccountingError, match="and not"):
            check_pairs(batch, [said], encoder._spelling, encoder._around())
    assert mask.UNLEARNED not in batch.column("labels")[0].as_py()


@pytest.mark.parametrize("setting", ["prefix", "mark", "end"])
def test_a_prefix_that_is_no_token_is_refused(setting):
    with pytest.raises(ModelError, match=rf"plain.{setting}=<XX> is \d tokens of test, not one"):
        pair_encoder(t5(), PlainConfig(**{setting: "<XX>"}))
