"""A run with a budget: it stops when that is spent, remembers it, and goes on with more."""

import json

import pytest

from opencharacter.records import Response
from opencharacter.store.rows import read_records
from tests.faults import FaultyServer, serving_faults

WINDOW = 5  # requests in flight with four seats
PRICES = ("teacher.price_prompt=2", "teacher.price_output=10")


@pytest.fixture
def server():
    with serving_faults() as server:
        yield server


def command(server: FaultyServer, *more: str) -> tuple[str, ...]:
    common = ("stage=synth", "teacher.seats=4", "parts=3", "synth.methods=[generate]")
    return (*common, *server.teacher, *more)


def test_a_run_stops_within_a_window_of_its_budget_and_goes_on_with_more(
    opencharacter, tmp_path, server
):
    first = opencharacter(*command(server, "teacher.budget_tokens=8000"))

    assert first.returncode == 2
    assert "teacher.budget_tokens=8000 is used up: this run has taken 8," in first.stderr
    assert "parts are left; raise the budget, and the same command goes on" in first.stderr
    spent = server.usage.total()
    assert 8000 <= spent <= 8000 + WINDOW * server.largest

    again = opencharacter(*command(server, "teacher.budget_tokens=8000"))
    assert again.returncode == 2
    assert f"has taken {spent:,} tokens" in again.stderr
    assert server.usage.total() == spent  # nothing was asked

    more = opencharacter(*command(server, "teacher.budget_tokens=1000000"))
    assert more.returncode == 0, more.stderr
    assert len(list(read_records(tmp_path / "runs/t/generate/data", Response))) == 36
    assert all(len(tries) == 1 for tries in server.met.values())  # nothing was paid for twice


def test_money_is_a_budget_too_and_the_manifest_tells_what_was_spent(
    opencharacter, tmp_path, server
):
    first = opencharacter(*command(server, *PRICES, "teacher.budget_usd=0.03"))
    assert first.returncode == 2
    assert "teacher.budget_usd=0.03 is used up: this run has taken" in first.stderr
    assert " and 0.03" in first.stderr

    more = opencharacter(*command(server, *PRICES, "teacher.budget_usd=5"))
    assert more.returncode == 0, more.stderr

    assert "\nCost: 0." in more.stdout
    stages = ("profiles", "generate")
    texts = [(tmp_path / "runs/t" / stage / "manifest.json").read_text() for stage in stages]
    costs = [json.loads(text)["cost"] for text in texts]
    usage = server.usage
    expected = (usage["prompt_tokens"] * 2 + usage["completion_tokens"] * 10) / 1e6
    assert sum(cost["usd"] for cost in costs) == pytest.approx(expected, abs=1e-5)
    assert sum(cost["calls"] for cost in costs) == len(server.met)


def test_what_faulty_answers_took_counts_as_spent(opencharacter):
    with serving_faults(share=0.3, seed=3, stall_s=3) as server:
        quick = ("teacher.max_retries=3", "teacher.timeout_s=2")
        stopped = opencharacter(*command(server, *quick, "teacher.budget_tokens=5000"))

    assert stopped.returncode == 2
    spent = int(stopped.stderr.rpartition("this run has taken ")[2].split()[0].replace(",", ""))
    # Less what answers took that came too late for a client that no longer waited.
    assert 0.95 * server.usage.total() <= spent <= server.usage.total()
    assert spent <= 5000 + 2 * WINDOW * server.largest
