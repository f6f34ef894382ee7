"""A plan on the terminal."""

from collections.abc import Mapping

from opencharacter.config import Config
from opencharacter.progress import closing_table
from opencharacter.synth.planning import Cost, prices_of

_HEADERS = (
    "stage", "records", "calls", "prompt tokens", "output tokens", "GPU hours", "hours", "disk",
)  # fmt: skip


def print_plan(planned: Mapping[str, Cost], config: Config) -> None:
    """Print what each stage will cost, and what that rests on."""
    print(closing_table([_row(stage, cost) for stage, cost in planned.items()], _HEADERS))
    plan = config.plan
    source = f"a pilot of {plan.pilot} instructions" if plan.pilot else "plan.assume"
    print(
        f"Tokens by {source}; {plan.gpus} GPUs that write {plan.tokens_per_s:,.0f} tokens/s "
        "together (plan.gpus, plan.tokens_per_s)."
    )
    prices = prices_of(config)
    if prices.prompt or prices.output:
        print(
            f"Money: {planned['all'].money:,.2f}, at {prices.prompt:g} for a million prompt tokens "
            f"and {prices.output:g} for a million output tokens; what a server caches may be "
            "cheaper."
        )


def _row(stage: str, cost: Cost) -> list[str]:
    return [
        stage,
        *(f"{n:,}" for n in (cost.records, cost.calls, cost.prompt_tokens, cost.output_tokens)),
        f"{cost.gpu_hours:,.1f}",
        f"{cost.hours:,.1f}",
        f"{cost.bytes / 2**30:,.2f} GiB",
    ]
