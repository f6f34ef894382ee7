"""What a run will cost: calls, tokens, GPU hours, money and disk, from what one record costs."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from opencharacter.config import AssumeConfig, Config
from opencharacter.errors import ConfigError
from opencharacter.records import Method

_MILLION = 1e6


class Each(NamedTuple):
    """What one record of a stage costs."""

    calls: float
    prompt_tokens: float
    output_tokens: float
    bytes: float


class Records(NamedTuple):
    """How many pieces of work the stages have."""

    profiles: int
    rewrite: int
    generate: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Of one stage."""

    records: int
    calls: int
    prompt_tokens: int
    output_tokens: int
    gpu_hours: float
    hours: float
    """Wall time, with `plan.gpus` GPUs at `plan.tokens_per_s`."""
    money: float
    """In the currency of `plan.price_prompt` and `plan.price_output`."""
    bytes: int


def records_of(config: Config, *, answered: float) -> Records:
    """Return how many pieces of work a run has.

    Args:
        config: The whole run.
        answered: Share of the instructions that can be rewritten.

    Raises:
        ConfigError: neither the configuration nor `plan.assume` says how many there are.
    """
    personas = config.personas.n or config.plan.assume.personas
    instructions = config.instructions.n or config.plan.assume.instructions
    for name, known in (("personas", personas), ("instructions", instructions)):
        if known is None:
            raise ConfigError(
                f"nobody counts {name} on the hub or in more than a gigabyte for a plan; set "
                f"{name}.n, or plan.assume.{name}"
            )
    pairs = (instructions or 0) * config.synth.n_characters
    methods = config.synth.methods
    return Records(
        profiles=personas or 0,
        rewrite=round(pairs * answered) if Method.rewrite in methods else 0,
        generate=pairs if Method.generate in methods else 0,
    )


def assumed(assume: AssumeConfig) -> dict[str, Each]:
    """Return what a record of each stage costs, by what is assumed."""
    calls, size, turns = assume.calls_per_answer, assume.bytes_per_record, assume.turns
    return {
        "profiles": _each(calls, assume.profile_prompt_tokens, assume.profile_output_tokens, size),
        "rewrite": _each(calls, assume.rewrite_prompt_tokens, assume.rewrite_output_tokens, size),
        "generate": _each(
            calls * turns, assume.answer_prompt_tokens, assume.answer_output_tokens, size
        ),
    }


def measured(manifest: Mapping[str, Any], n_bytes: int) -> Each:
    """Return what a record of a finished stage has cost, rejected ones and attempts included.

    Args:
        manifest: Of the stage.
        n_bytes: What its folder takes on disk.
    """
    usage, records = manifest["usage"], max(1, manifest["counts"]["in"])
    return Each(
        usage["calls"] / records,
        usage["prompt_tokens"] / records,
        usage["output_tokens"] / records,
        n_bytes / records,
    )


def costs(records: Records, each: Mapping[str, Each], config: Config) -> dict[str, Cost]:
    """Return what each stage will cost, and all of them together under `all`.

    Time is output tokens over `plan.tokens_per_s`: reading prompts is far cheaper than writing, and
    prefixes are cached.
    """
    found = {
        stage: _cost(count, each[stage], config)
        for stage, count in records._asdict().items()
        if count
    }
    fields = [asdict(cost) for cost in found.values()]
    return found | {"all": Cost(**{name: sum(f[name] for f in fields) for name in fields[0]})}


def _each(calls: float, prompt_tokens: float, output_tokens: float, size: float) -> Each:
    return Each(calls, calls * prompt_tokens, calls * output_tokens, size)


def _cost(records: int, each: Each, config: Config) -> Cost:
    plan = config.plan
    output = records * each.output_tokens
    prompt = records * each.prompt_tokens
    hours = output / plan.tokens_per_s / 3600
    return Cost(
        records=records,
        calls=round(records * each.calls),
        prompt_tokens=round(prompt),
        output_tokens=round(output),
        gpu_hours=hours * plan.gpus,
        hours=hours,
        money=(prompt * plan.price_prompt + output * plan.price_output) / _MILLION,
        bytes=round(records * each.bytes),
    )
