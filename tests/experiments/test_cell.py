"""What is written down of a cell; unequal trainings and met strangers are refused."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from experiments.generalization import cell, equal
from opencharacter.errors import StoreError
from opencharacter.records import Domain, Score, Transcript
from opencharacter.store.rows import write_records
from tests.compare import played
from tests.evaluation import people

PART = "part-00000-of-00001.parquet"


def write_played(run, *, domain=Domain.outside):
    """Write two answers of one character: one states its fact, one is contradicted too."""
    items = [played.item(1, task=task, domain=domain) for task in ("age/direct", "name/pressure")]
    answers = [played.transcript(item) for item in items]
    values = {"fact_stated": (1.0, 0.0), "fact_contradicted": (None, 1.0)}
    scores = [
        played.score(answer, value, criterion=criterion)
        for criterion, pair in values.items()
        for answer, value in zip(answers, pair, strict=True)
    ]
    write_records(run / "play" / "data" / PART, Transcript, answers)
    write_records(run / "judge" / "data" / PART, Score, scores)
    return run


def test_each_character_has_its_questions_facts_and_contradictions_by_style(tmp_path):
    found = cell.asked(write_played(tmp_path), Domain.outside)

    assert found == {"persona-0001": {"direct": [1, 1, 0], "pressure": [1, 0, 1]}}


def test_a_character_of_the_other_domain_is_refused(tmp_path):
    run = write_played(tmp_path, domain=Domain.inside)

    with pytest.raises(StoreError, match=r"2 answers of characters that are not out-domain"):
        cell.asked(run, Domain.outside)


def test_a_held_out_character_of_whose_cluster_the_mixture_has_a_row_is_refused(tmp_path):
    run = people.write_run(tmp_path)

    cell.unmet(run, {people.CLEO.persona_id})
    with pytest.raises(StoreError, match="1 clusters of held-out characters"):
        cell.unmet(run, {people.ANNA.persona_id})


def test_a_training_on_other_tokens_than_asked_for_is_refused(tmp_path):
    (tmp_path / "train").mkdir()
    line = json.dumps({"step": 88, "loss": 0.3, "num_tokens": 300_000.0, "epoch": 1.0})
    (tmp_path / "train" / "metrics.jsonl").write_text(line + "\n", encoding="utf-8")

    with pytest.raises(StoreError, match=r"took 300,000 tokens, not 340,000"):
        cell.trained(tmp_path, 340_000)


def test_a_small_mixture_is_passed_over_so_often_that_tokens_are_equal(tmp_path):
    (tmp_path / "tokenize" / "data").mkdir(parents=True)
    rows = pa.table({"input_ids": [[1] * 300, [1] * 100]})
    pq.write_table(rows, tmp_path / "tokenize" / "data" / PART)

    assert equal.passes(tmp_path, 1000) == 2.5
