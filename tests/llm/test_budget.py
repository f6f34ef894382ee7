import json

import pytest

from opencharacter.config import ModelConfig
from opencharacter.errors import ConfigError
from opencharacter.llm.budget import Budget, cost_of, usd
from opencharacter.llm.requests import Completion, Finish
from opencharacter.records import Usage

PRICES = {"price_prompt": 2.0, "price_output": 10.0}


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def answer(prompt=100, output=50):
    return Completion(text="x", finish=Finish.stop, prompt_tokens=prompt, output_tokens=output)


def log(folder, *, times=1, prompt=100, output=50, stage="profiles"):
    path = folder / stage / "completions" / "part-00000-of-00001.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    tokens = {"prompt_tokens": prompt, "cached_tokens": 0, "output_tokens": output}
    with path.open("a") as file:
        file.writelines(json.dumps({"key": "00", **tokens}) + "\n" for _ in range(times))


def test_a_million_tokens_cost_their_price_and_cached_ones_their_own():
    usage = Usage(prompt_tokens=3_000_000, cached_tokens=1_000_000, output_tokens=500_000)

    assert usd(usage, ModelConfig(**PRICES)) == 3 * 2 + 0.5 * 10
    assert usd(usage, ModelConfig(**PRICES, price_cached=0.5)) == 2 * 2 + 1 * 0.5 + 0.5 * 10


def test_without_a_budget_there_is_no_end(tmp_path):
    budget = Budget(ModelConfig(), tmp_path)
    budget.hear(answer(prompt=10**12))

    assert budget.reason == ""


def test_tokens_of_earlier_starts_and_stages_count(tmp_path):
    log(tmp_path, times=2)
    log(tmp_path, times=1, stage="generate")
    budget = Budget(ModelConfig(budget_tokens=600), tmp_path)
    assert budget.reason == ""

    budget.hear(answer())

    expected = "teacher.budget_tokens=600 is used up: this run has taken 600 tokens"
    assert budget.reason == expected


def test_each_role_has_a_budget_of_its_own(tmp_path):
    log(tmp_path, times=4)
    log(tmp_path, times=1, stage="play")
    config = ModelConfig(budget_tokens=300)

    assert Budget(config, tmp_path).spent.calls == 4
    budget = Budget(config, tmp_path, role="player")
    assert (budget.spent.calls, budget.reason) == (1, "")
    budget.hear(answer())
    assert budget.reason.startswith("player.budget_tokens=300 is used up")


def test_money_is_counted_by_the_prices(tmp_path):
    # 100 prompt tokens at 2 and 50 output tokens at 10 dollars a million: 0.0007 dollars
    budget = Budget(ModelConfig(budget_usd=0.001, **PRICES), tmp_path)
    budget.hear(answer())
    assert budget.reason == ""

    budget.hear(answer())

    expected = "budget_usd=0.001 is used up: this run has taken 300 tokens and 0.0014 USD"
    assert expected in budget.reason


def test_what_other_processes_spend_is_seen_within_seconds_and_own_answers_count_once(tmp_path):
    clock = Clock()
    budget = Budget(ModelConfig(budget_tokens=10_000), tmp_path, clock=clock)
    budget.hear(answer())
    log(tmp_path)  # what was heard is logged
    log(tmp_path, times=9, stage="generate")  # by another process
    assert budget.spent.calls == 1

    clock.now = 6.0
    budget.hear(answer())

    assert budget.spent == Usage(prompt_tokens=1100, output_tokens=550, calls=11)


def test_the_cost_of_a_stage_is_that_of_its_own_log(tmp_path):
    log(tmp_path, times=10)
    log(tmp_path, times=5, stage="generate")
    config = ModelConfig(**PRICES)

    cost = cost_of(tmp_path / "profiles", config)["cost"]

    assert (cost["usd"], cost["calls"], cost["prompt_tokens"]) == (0.007, 10, 1000)
    assert cost_of(tmp_path / "profiles", ModelConfig()) == {}
    assert cost_of(tmp_path / "personas", config) == {}  # asks no model


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"budget_usd": 5.0}, "nothing has a price"),
        ({"budget_tokens": 0}, "budget_tokens is 0; it must be > 0"),
        ({"price_output": -1.0}, "price_output is -1.0; it must be >= 0"),
        ({"tokens_per_minute": -3.0}, "tokens_per_minute is -3.0"),
    ],
)
def test_a_budget_that_cannot_be_kept_is_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        ModelConfig(**settings)
