"""What a run may spend on a model: tokens and money, over all its stages, processes and restarts.

Nothing new is asked once it is spent; what is under way ends and is logged. So a process may go
over it by the window of requests that it keeps in flight, and several processes by a window each
and by what they took in the seconds since they looked at each other's logs.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from opencharacter.config import ModelConfig
from opencharacter.llm.requests import Completion, Finish, add_usage
from opencharacter.records import Usage
from opencharacter.store.spending import LoggedUsage, add

_MILLION = 1e6
_ASKED_BY = {"play": "player", "loss": "player", "judge": "judge", "qualify": "judge"}
"""Stages that ask another model than the teacher."""
_LOOK_EVERY_S = 2.0  # at what other processes have spent


def _asked_by(folder: str) -> str:
    """Return the role that a stage's folder is paid by; a judge of a jury has `judge-<name>`."""
    return _ASKED_BY.get(folder.partition("-")[0], "teacher")


class Budget:
    """Knows what a run has spent; `reason` says when that is enough."""

    def __init__(
        self,
        config: ModelConfig,
        run_dir: Path,
        *,
        role: str = "teacher",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Read from the run's logs what is spent already; without a budget, nothing.

        Args:
            config: `budget_tokens`, `budget_usd` and the prices are used.
            run_dir: Of the run.
            role: Whose budget it is: the stages that ask another role do not count.
            clock: Seconds.
        """
        self._config = config
        self._clock = clock
        self._role = role
        self._logs = LoggedUsage(
            run_dir,
            pattern="*/completions/*.jsonl",
            counts=lambda log: _asked_by(log.parents[1].name) == role,
        )
        self._logged = self._logs.total() if config.has_budget else Usage()
        self._looked = clock()
        self._heard = Usage()  # since that look
        self._unlogged = Usage()

    @property
    def spent(self) -> Usage:
        """Tokens of the whole run, as far as known."""
        return add(self._logged, self._heard, self._unlogged)

    @property
    def reason(self) -> str:
        """Why nothing more may be asked; empty = go on, as without a budget."""
        if not self._config.has_budget:
            return ""
        spent, config = self.spent, self._config
        tokens = spent.prompt_tokens + spent.output_tokens
        money = usd(spent, config)
        price = f" and {money:,.4g} USD" if money else ""
        told = f"is used up: this run has taken {tokens:,} tokens{price}"
        if config.budget_tokens is not None and tokens >= config.budget_tokens:
            return f"{self._role}.budget_tokens={config.budget_tokens:.0f} {told}"
        if config.budget_usd is not None and money >= config.budget_usd:
            return f"{self._role}.budget_usd={config.budget_usd:g} {told}"
        return ""

    def hear(self, completion: Completion) -> None:
        """Count an answer, before it is logged."""
        if not self._config.has_budget:
            return
        if self._clock() - self._looked >= _LOOK_EVERY_S:
            # Before this answer is in the log, and after those before it are.
            self._logged, self._heard = self._logs.total(), Usage()
            self._looked = self._clock()
        if completion.finish is Finish.error:  # whatever its tries took; no log holds it
            self._unlogged = add_usage(self._unlogged, completion)
        else:
            self._heard = add_usage(self._heard, completion)


def usd(usage: Usage, config: ModelConfig) -> float:
    """Return what tokens cost, in US dollars."""
    cached_price = config.price_prompt if config.price_cached is None else config.price_cached
    uncached = usage.prompt_tokens - usage.cached_tokens
    return (
        uncached * config.price_prompt
        + usage.cached_tokens * cached_price
        + usage.output_tokens * config.price_output
    ) / _MILLION


def cost_of(stage_dir: Path, config: ModelConfig) -> dict[str, Any]:
    """Return what a stage's logged calls cost, for its manifest; empty without calls or prices."""
    if not (config.price_prompt or config.price_output):
        return {}
    spent = LoggedUsage(stage_dir, pattern="completions/*.jsonl").total()
    if not spent.calls:
        return {}
    return {
        "cost": {
            "usd": round(usd(spent, config), 6),
            "calls": spent.calls,
            "prompt_tokens": spent.prompt_tokens,
            "cached_tokens": spent.cached_tokens,
            "output_tokens": spent.output_tokens,
            "price_prompt": config.price_prompt,
            "price_cached": config.price_cached,
            "price_output": config.price_output,
        }
    }
