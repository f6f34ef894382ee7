"""Rows as a trainer reads them: each with its own tokens, in an order of their ids."""

import numpy as np
import pytest

from opencharacter.errors import TrainingError
from opencharacter.records import Tokens
from opencharacter.store.rows import write_records
from opencharacter.train.rows import check_lengths, open_tokens, stop_token, write_tokens
from tests.train.models import number_row, opened_rows
from tests.train.rows import corpus, encode, tokenizer, tokens

ROWS = [number_row(f"r{n}", list(range(n, 2 * n + 2)), {1}) for n in range(20)]


def contents(rows):
    return [
        (row.id, *(rows.example([n], is_packed=False)[k].tolist() for k in ("input_ids", "labels")))
        for n, row in enumerate(rows.rows)
    ]


def test_each_row_has_its_own_tokens(tmp_path):
    found = {id_: (ids, labels) for id_, ids, labels in contents(opened_rows(tmp_path, ROWS))}

    assert found == {row.id: (list(row.input_ids), list(row.labels)) for row in ROWS}


def test_the_order_does_not_depend_on_parts(tmp_path):
    data = tmp_path / "b" / "data"
    write_records(data / "part-00000-of-00002.parquet", Tokens, ROWS[15:])
    write_records(data / "part-00001-of-00002.parquet", Tokens, ROWS[:15])
    write_tokens(data, tmp_path / "b" / "flat")
    parted = open_tokens(data, tmp_path / "b" / "flat", seed=0)

    assert contents(parted) == contents(opened_rows(tmp_path / "a", ROWS))


def test_packs_say_where_rows_end(tmp_path):
    rows = opened_rows(tmp_path, ROWS)
    example = rows.dataset([[3, 0], [1]], is_packed=True)[0]

    assert example["seq_lengths"] == [rows.rows[3].length, rows.rows[0].length]
    assert np.array(example["input_ids"]).dtype == np.int64


def test_used_ids_are_all_that_occur(tmp_path):
    assert opened_rows(tmp_path, ROWS).used_ids() == {i for row in ROWS for i in row.input_ids}


def test_a_row_that_trl_would_cut_is_refused_by_name(tmp_path):
    rows = opened_rows(tmp_path, ROWS)

    with pytest.raises(TrainingError, match=r"has 21 tokens, more than train\.max_length=20"):
        check_lengths(rows.rows, 20)
    check_lengths(rows.rows, 21)


def test_the_stop_token_is_what_supervised_turns_end_with(tmp_path):
    rows = opened_rows(tmp_path, corpus(2, 2))

    assert stop_token(rows, tokenizer()) == tokenizer().convert_tokens_to_ids("<|eot_id|>")


def test_a_mask_without_the_stop_token_is_refused(tmp_path):
    row = tokens("c", "i", [("user", "Hi."), ("assistant", "Good day.")])
    ids, labels = encode([("user", "Hi."), ("assistant", "Good day.")])
    cut = [label if label != 4 else -100 for label in labels]
    wrong = number_row(
        "r", list(row.input_ids), {n for n, label in enumerate(cut) if label != -100}
    )

    with pytest.raises(TrainingError, match="the model would not learn to stop"):
        stop_token(opened_rows(tmp_path, [wrong]), tokenizer())
    assert ids[-1] == labels[-1] == 4
