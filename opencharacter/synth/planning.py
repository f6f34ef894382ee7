"""What a run will cost: calls, tokens, GPU hours, money and disk, from what one record costs."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from opencharacter.config import (
    AnswersConfig,
    AssumeConfig,
    Backend,
    Config,
    FactCheck,
    ModelConfig,
)
from opencharacter.errors import ConfigError
from opencharacter.llm.opening import INSIDE
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


class Prices(NamedTuple):
    """US dollars for a million tokens."""

    prompt: float
    output: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Of one stage."""

    records: int
    calls: int
    prompt_tokens: int
    output_tokens: int
    gpu_hours: float
    """0 where no GPUs of the run's own are at work."""
    hours: float
    """Wall time, at `plan.tokens_per_s`."""
    usd: float
    """US dollars, by the prices of tokens."""
    bytes: int


def prices_of(config: Config) -> Prices:
    """Return what the plan says tokens cost, and where it does not, what the teacher's do."""
    plan, teacher = config.plan, config.teacher
    return Prices(
        teacher.price_prompt if plan.price_prompt is None else plan.price_prompt,
        teacher.price_output if plan.price_output is None else plan.price_output,
    )


def runs_on_gpus(teacher: ModelConfig) -> bool:
    """Say whether a teacher takes GPUs of the run's own: no server, and not a small model."""
    return teacher.backend is Backend.vllm and teacher.model not in INSIDE


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
                f"a plan counts no {name} of a hub data set, nor of more than a gigabyte; say how "
                f"many there are with plan.assume.{name}=, or draw some with {name}.n="
            )
    pairs = (instructions or 0) * config.synth.n_characters
    methods = config.synth.methods
    return Records(
        profiles=personas or 0,
        rewrite=round(pairs * answered) if Method.rewrite in methods else 0,
        generate=pairs if Method.generate in methods else 0,
    )


def assumed(config: Config) -> dict[str, Each]:
    """Return what a record of each stage costs, by what `plan.assume` says."""
    assume = config.plan.assume
    calls, size, turns = assume.calls_per_answer, assume.bytes_per_record, assume.turns
    rewrite = _each(calls, assume.rewrite_prompt_tokens, assume.rewrite_output_tokens, size)
    generate = _each(calls * turns, assume.answer_prompt_tokens, assume.answer_output_tokens, size)
    return {
        "profiles": _each(calls, assume.profile_prompt_tokens, assume.profile_output_tokens, size),
        "rewrite": _with_check(rewrite, config.rewrite, assume, assume.rewrite_output_tokens),
        "generate": _with_check(
            generate, config.generate, assume, turns * assume.answer_output_tokens
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


def _with_check(
    each: Each, settings: AnswersConfig, assume: AssumeConfig, dialogue_tokens: float
) -> Each:
    """Return what a record costs with its fact check, which reads the whole dialogue again."""
    if settings.fact_check is FactCheck.none:
        return each
    check = _each(
        assume.calls_per_answer,
        assume.verdict_prompt_tokens + dialogue_tokens,
        assume.verdict_output_tokens,
        0,
    )
    return Each(*(a + b for a, b in zip(each, check, strict=True)))


def _each(calls: float, prompt_tokens: float, output_tokens: float, size: float) -> Each:
    return Each(calls, calls * prompt_tokens, calls * output_tokens, size)


def _cost(records: int, each: Each, config: Config) -> Cost:
    plan = config.plan
    output = records * each.output_tokens
    prompt = records * each.prompt_tokens
    hours = output / plan.tokens_per_s / 3600
    prices = prices_of(config)
    return Cost(
        records=records,
        calls=round(records * each.calls),
        prompt_tokens=round(prompt),
        output_tokens=round(output),
        gpu_hours=hours * plan.gpus if runs_on_gpus(config.teacher) else 0.0,
        hours=hours,
        usd=(prompt * prices.prompt + output * prices.output) / _MILLION,
        bytes=round(records * each.bytes),
    )
