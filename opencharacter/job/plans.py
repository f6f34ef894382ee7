"""A plan: on the terminal, beside what a run has taken, and refused where the run is another."""

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from opencharacter.config import Backend, Config, planned_settings
from opencharacter.errors import StoreError
from opencharacter.evaluation.suites import stages_read
from opencharacter.job import Job
from opencharacter.progress import closing_table
from opencharacter.store.commands import alone, placed
from opencharacter.synth.planning import Cost, prices_of, runs_on_gpus

_STAGES = ("personas", "instructions", "profiles", "rewrite", "generate")
_COUNTS = ("records", "calls", "prompt tokens", "output tokens")
_UNITS = {"GiB": 2**30, "MiB": 2**20, "KiB": 2**10}
_MAKES = {
    *("experiment", "personas", "instructions", "profiles", "rewrite", "generate", "synth", "mix"),
    *("llm@teacher", "teacher", "tokenize", "train"),
}
"""Groups and sections that are about making data and training on it."""
_FOR_DATA = {"plan.assume.personas", "plan.assume.instructions"}
_ASKS = {
    *("suite", "llm@player", "player", "play", "llm@user", "user", "loss"),
    *("llm@judge", "judge", "qualify"),
}
"""Those about playing and judging."""


def only_evaluates(config: Config, job: Job) -> bool:
    """Say whether no data is to be made: the run asks another one's characters, or a suite.

    Where no word of the command is about data, a suite is asked for alone by its name, if what it
    reads of the run is made. In a run that was played it is asked for by any word about playing and
    judging, and, if no data was ever made in it, by none.
    """
    if config.play.follows or config.plan.pilot:
        return False
    if config.suite.run not in (None, config.run):
        return True
    words = {word.partition("=")[0].lstrip("+~") for word in shlex.split(job.command)}
    about = {word.partition(".")[0] for word in words}
    if about & _MAKES or words & _FOR_DATA:
        return False
    if job.folder("play").started() is not None:
        return bool(about & _ASKS) or job.folder("personas").started() is None
    reads = stages_read(config.suite)
    return "suite" in words and all(job.folder(stage).manifest() for stage in reads)


def refuse_other_settings(config: Config, job: Job) -> None:
    """Refuse to plan a run that was started with other settings.

    Raises:
        StoreError: it was; the message names the command for its plan.
    """
    given = {
        f"{section}.{name}": value
        for section, settings in planned_settings(config).items()
        for name, value in settings.items()
    } | {"seed": config.seed}
    for stage in _STAGES:
        started = job.folder(stage).started()
        if started is None:
            continue
        was = _flat(stage, started["settings"])
        other = [f"{name} was {was[name]!r}" for name in was if given.get(name) != was[name]]
        if other:
            command = _with_words(alone(started["command"], "plan"), job.command)
            command = placed(command, job.run_dir)
            shown = "; ".join(other[:3]) + (f"; and {len(other) - 3} more" if other[3:] else "")
            raise StoreError(
                f"{job.run_dir} was started with other settings ({shown}); plan it with: "
                f"{command}, or choose another run="
            )


def _with_words(command: str, typed: str) -> str:
    """Return a command with those of the typed words that set what it does not."""
    words = shlex.split(command)
    named = {word.partition("=")[0] for word in words}
    typed_words = [word for word in shlex.split(typed) if "=" in word]
    added = [word for word in typed_words if word.partition("=")[0] not in named]
    return shlex.join([*words, *added])


def _flat(stage: str, started: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that a stage was started with under their names on the command line."""
    found = {"seed": started["seed"]}
    for kept_as, section in ((stage, stage), ("model", "teacher")):
        found |= {f"{section}.{name}": each for name, each in started.get(kept_as, {}).items()}
    if "n_characters" in started["versions"]:
        found["synth.n_characters"] = int(started["versions"]["n_characters"])
    if "pool" in started["versions"]:
        found["synth.pool"] = int(started["versions"]["pool"])
    return found


def print_plan(planned: Mapping[str, Cost], config: Config) -> None:
    """Print what each stage will cost, and what that rests on."""
    costs, plan, prices = planned.values(), config.plan, prices_of(config)
    counts = zip(*(_counts(asdict(cost)) for cost in costs), strict=True)
    columns = {"stage": list(planned)} | dict(zip(_COUNTS, map(list, counts), strict=True))
    if any(cost.gpu_hours for cost in costs):
        columns["GPU time"] = [_time(cost.gpu_hours) for cost in costs]
    columns["time"] = [_time(cost.hours) for cost in costs]
    if prices.prompt or prices.output:
        columns["USD"] = [f"{cost.usd:,.2f}" for cost in costs]
    columns["disk"] = [_size(cost.bytes) for cost in costs]
    print(closing_table([*zip(*columns.values(), strict=True)], tuple(columns)))
    source = f"a pilot of {plan.pilot} instructions" if plan.pilot else "plan.assume"
    print(f"Tokens by {source}; {_writer(config)}.")
    if "USD" in columns:
        print(
            f"USD: {prices.prompt:g} for a million prompt tokens and {prices.output:g} for a "
            "million output tokens; what a server caches may be cheaper."
        )
    elif config.teacher.backend is Backend.endpoint:
        print(
            "For USD give teacher.price_prompt and teacher.price_output, the prices of a million "
            "tokens."
        )


def print_measured(
    planned: Mapping[str, Mapping[str, Any]], manifests: Iterable[Mapping[str, Any]]
) -> None:
    """Print what finished stages took below what was planned; nothing where nobody planned.

    Args:
        planned: `Cost`s as plain dictionaries, by stage.
        manifests: Of finished stages.
    """
    rows: list[list[str]] = []
    for manifest in manifests:
        if (plan := planned.get(manifest["stage"])) is not None:
            took = {"records": manifest["counts"]["in"], **manifest["usage"]}
            usd = manifest.get("cost", {}).get("usd")
            rows.append([manifest["stage"], "planned", *_counts(plan), _time(plan["hours"])])
            rows.append(["", "took", *_counts(took), _time(manifest["seconds"] / 3600)])
            rows[-2].append(f"{plan['usd']:,.2f}" if plan.get("usd") else "")
            rows[-1].append("" if usd is None else f"{usd:,.2f}")
    if rows:
        print("\n" + closing_table(rows, ("stage", "", *_COUNTS, "time", "USD")))


def _counts(numbers: Mapping[str, Any]) -> list[str]:
    return [f"{numbers[name.replace(' ', '_')]:,}" for name in _COUNTS]


def _writer(config: Config) -> str:
    """Say who writes how fast."""
    pace = f"{config.plan.tokens_per_s:,.0f} tokens/s"
    if runs_on_gpus(config.teacher):
        return f"{config.plan.gpus} GPUs that write {pace} together (plan.gpus, plan.tokens_per_s)"
    is_server = config.teacher.backend is Backend.endpoint
    return f"{'a server' if is_server else 'a machine'} that writes {pace} (plan.tokens_per_s)"


def _time(hours: float) -> str:
    """Write hours in a unit in which they are a number above 1."""
    if hours >= 1:
        return f"{hours:,.1f} h"
    return f"{hours * 60:.1f} min" if hours * 60 >= 1 else f"{hours * 3600:.1f} s"


def _size(n_bytes: int) -> str:
    unit = next((unit for unit in _UNITS if n_bytes >= _UNITS[unit]), "KiB")
    return f"{n_bytes / _UNITS[unit]:,.1f} {unit}"
