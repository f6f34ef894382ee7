"""The proof of the mask finds what is wrong with a mask."""

from functools import cache

import numpy as np
import pyarrow as pa
import pytest

pytest.importorskip("transformers")

from hypothesis import given
from hypothesis import strategies as st

from opencharacter.errors import AccountingError
from opencharacter.train.dialogues import read_dialogues
from opencharacter.train.mask import check_mask, spans_of
from opencharacter.train.texts import spelling
from tests.train.vocabularies import LLAMA3, encoder, llama3, mistral, mixture

SAID = [("user", "Who?"), ("assistant", "I, Ада 🙂"), ("user", "So?"), ("assistant", "Yes.")]
TEXTS = st.text(
    st.one_of(
        st.sampled_from("<|>eot_id[/INST] \n"),
        st.characters(exclude_categories=["Cs"]),
    ),
    max_size=30,
)


def test_spans_end_with_their_row():
    labels = np.array([-100, 1, 2, 3, -100, 4, 5, -100, 6], np.int32)

    spans = spans_of(labels, np.array([0, 3, 3, 7, 9], np.int32))

    assert list(zip(*(part.tolist() for part in spans), strict=True)) == [
        (0, 1, 3),
        (2, 3, 4),
        (2, 5, 7),
        (3, 8, 9),
    ]


def checked(change):
    """Change the labels of two rows and check them."""
    rows = mixture(SAID, SAID)
    made = encoder(llama3())
    batch = made.encode(rows).batch
    ids = batch.column("input_ids").values.to_numpy()
    labels = batch.column("labels").values.to_numpy().copy()
    change(ids, labels)
    lists = pa.ListArray.from_arrays(batch.column("labels").offsets, pa.array(labels))
    changed = batch.set_column(batch.schema.get_field_index("labels"), "labels", lists)
    letters = spelling(llama3().backend_tokenizer.to_str())
    return check_mask(changed, read_dialogues(rows), made.layout.frame, letters)


def test_a_right_mask_is_counted():
    assert checked(lambda ids, labels: None) == 4


def forget_an_end(ids, labels):
    labels[-1] = -100


def learn_a_question(ids, labels):
    labels[:8] = ids[:8]


def forget_a_turn(ids, labels):
    labels[len(labels) // 2 :] = -100


def learn_all(ids, labels):
    labels[:] = ids


def learn_other_words(ids, labels):
    labels[labels != -100] = 0


@pytest.mark.parametrize(
    "change", [forget_an_end, learn_a_question, forget_a_turn, learn_all, learn_other_words]
)
def test_a_wrong_mask_is_told(change):
    with pytest.raises(AccountingError, match=r"row-\w+ learns|labels are not the ids"):
        checked(change)


@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=3))
@pytest.mark.parametrize(("tokenizer", "end"), [(llama3, "<|eot_id|>"), (mistral, "</s>")])
def test_what_is_learned_decodes_to_what_the_assistant_says(tokenizer, end, turns):
    said = [m for q, a in turns for m in (("user", q), ("assistant", a))]
    made = encoder_of(tokenizer).encode(mixture(said))

    if not all(answer.strip() for _, answer in turns):
        assert [each.reason for each in made.rejections] == ["empty_turn"]
        return
    [labels] = made.batch.column("labels").to_pylist()
    learned = tokenizer().decode([label for label in labels if label != -100])
    space = " " if tokenizer is mistral else ""
    assert learned == "".join(f"{space}{answer.strip()}{end}" for _, answer in turns)


@cache
def encoder_of(tokenizer):
    return encoder(tokenizer())


def test_huge_turns_and_many_turns_are_no_trouble():
    many = [("user", "q"), ("assistant", "a")] * 1_500
    control = "".join(LLAMA3)
    hostile = [("user", "\x00" * 99), ("assistant", f"{control} \x00 " * 30_000)]
    made = encoder(llama3(), max_length=512).encode(mixture(many, hostile, SAID))

    assert made.batch.num_rows == 2
    assert made.batch.column("dropped_turns").to_pylist()[0] > 2_000
    assert [each.reason for each in made.rejections] == ["too_long"]
    assert len(made.rejections[0].excerpt) <= 200
