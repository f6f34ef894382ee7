"""From words on the command line to one typed configuration: the only module that knows Hydra.

Hydra composes `conf/` under the dataclasses of `config/`, and its errors, which have many lines,
become one that names what would be right. Imported late: Hydra takes a third of a second.
"""

import re
import shlex
import sys
from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, NamedTuple

import hydra
import yaml
from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import ConfigAttributeError, ConfigKeyError, OmegaConfBaseException

from opencharacter import manual
from opencharacter.config import Config, ModelConfig
from opencharacter.errors import ConfigError, OpenCharacterError
from opencharacter.store.commands import assigned

# What a name of other trainers is called here.
_CALLED = {"train.max_steps": "train.epochs, which may be a part of one: train.epochs=0.1"}
_HYDRA_ERRORS = (HydraException, OmegaConfBaseException, yaml.YAMLError)


class Planned(NamedTuple):
    """A job that was composed and checked, and not yet started."""

    config: Config
    command: str
    """The command line that makes this one job again."""


def compose_config(overrides: Sequence[str]) -> Config:
    """Compose the configuration of one job.

    Args:
        overrides: As on the command line, such as `["stage=synth", "personas=file"]`.

    Raises:
        ConfigError: a key, value, group option or stage is unknown, or settings contradict.
    """
    try:
        _register_schema()
        with hydra.initialize_config_dir(version_base="1.3", config_dir=str(manual.conf_dir())):
            return _to_config(hydra.compose("config", manual.with_section(overrides)))
    except _HYDRA_ERRORS as error:
        raise ConfigError(_explain(error, overrides)) from error


def plan_jobs() -> list[Planned]:
    """Read the command line, `sys.argv`, and return its jobs, none of them started.

    Raises:
        ConfigError: a key, value, group option or stage is unknown, or settings contradict.
    """
    try:
        return _let_hydra_plan()
    except _HYDRA_ERRORS as error:
        raise ConfigError(_explain(error, sys.argv[1:])) from error


def plan_sweep(overrides: Sequence[str]) -> list[Planned]:
    """Do the same for a sweep, and see to it that each job has a run of its own.

    Args:
        overrides: Those of the command line.

    Raises:
        ConfigError: as above, or two jobs would be the same stage of the same run.
    """
    try:
        _check_sweep(overrides)
    except _HYDRA_ERRORS as error:
        raise ConfigError(_explain(error, overrides)) from error
    jobs = plan_jobs()
    _check_runs(jobs)
    return jobs


def as_yaml(job: Planned) -> str:
    """Return a job's whole configuration, below the command that makes it again."""
    return f"# {job.command}\n{OmegaConf.to_yaml(job.config)}"


def _let_hydra_plan() -> list[Planned]:
    jobs: list[Planned] = []
    faults: list[Exception] = []

    def plan(composed: DictConfig) -> None:
        try:
            config = _to_config(composed)
        except (OpenCharacterError, *_HYDRA_ERRORS) as error:
            faults.append(error)  # raised below: here Hydra would print a line of its own
            return
        hydra_config = HydraConfig.get()
        sources = hydra_config.runtime.config_sources
        own = [f"--config-dir={s.path}" for s in sources if s.provider == "command-line"]
        words = [word for word in hydra_config.overrides.task if not word.startswith("run=")]
        command = ["python", "-m", "opencharacter", *own, *words, assigned("run", config.run)]
        jobs.append(Planned(config, shlex.join(command)))

    _register_schema()
    conf = str(manual.conf_dir())
    hydra.main(version_base="1.3", config_path=conf, config_name="config")(plan)()
    if faults:
        raise faults[0]
    return jobs


def _check_sweep(overrides: Sequence[str]) -> None:
    """Refuse a sweep whose jobs would share a run: their records would mix, or be stale.

    Raises:
        ConfigError: something other than `stage` is swept, and `run` does not depend on it.
    """
    parsed = OverridesParser.create().parse_overrides(list(overrides))
    swept = [item.get_key_element() for item in parsed if item.is_sweep_override()]
    swept = [key for key in swept if key != "stage"]
    has_own_run = any(
        item.get_key_element() == "run"
        and (item.is_sweep_override() or "${" in str(item.input_line))
        for item in parsed
    )
    if swept and not has_own_run:
        # A group has no value to interpolate, the number of the job always has.
        is_value = all("." in key or key == "seed" for key in swept)
        parts = [f"${{{key}}}" for key in swept] if is_value else ["${hydra:job.num}"]
        example = f"'run=sweep_{'_'.join(parts)}'"
        raise ConfigError(
            f"every job of a sweep needs a run of its own; add for instance {example}"
        )


def _check_runs(jobs: Sequence[Planned]) -> None:
    seen: set[tuple[str, str]] = set()
    for config, command in jobs:
        if (config.run, config.stage) in seen:
            raise ConfigError(
                f"two jobs of this sweep are stage={config.stage} of run={config.run}; the second "
                f"is: {command}; let run= depend on everything that is swept"
            )
        seen.add((config.run, config.stage))


@cache
def _register_schema() -> None:
    """Tell Hydra the types: `schema` in conf/config.yaml is the dataclass `Config`."""
    schema = OmegaConf.structured(Config)
    for section in schema:
        for name in schema[section] if OmegaConf.is_dict(schema._get_node(section)) else ():
            # A dictionary takes any key: mix.shares={alpaca:0.3}.
            if OmegaConf.get_type(schema[section], name) is dict:
                OmegaConf.set_struct(schema[section][name], False)
    ConfigStore.instance().store(name="schema", node=schema)


def _to_config(composed: DictConfig) -> Config:
    stages = manual.stages()
    if OmegaConf.is_missing(composed, "stage"):
        raise ConfigError(f"no stage is given; add stage= and one of: {', '.join(stages)}")
    if composed.stage not in stages:
        raise ConfigError(
            f"there is no stage '{composed.stage}'{manual.suggest(composed.stage, stages)}; "
            f"stages: {', '.join(stages)}"
        )
    missing = sorted(OmegaConf.missing_keys(composed))
    if missing:
        raise ConfigError(f"{missing[0]} must be given: add {missing[0]}=...")
    _name_jurors(composed)
    config: Any = _as_object(composed)
    assert isinstance(config, Config)
    for key in _unknown_keys(config):
        raise ConfigError(_explain_key(key))
    return config


def _name_jurors(composed: DictConfig) -> None:
    """Put the models of a jury that are files of conf/llm beside those that were given.

    Raises:
        ConfigError: there is no such file.
    """
    files = manual.conf_dir() / "llm"
    for name in composed.judge.jury:
        if name in composed.judge.jurors:
            continue
        path = files / f"{name}.yaml"
        if not path.is_file():
            known = sorted(file.stem for file in files.glob("*.yaml"))
            raise ConfigError(
                f"judge.jury names '{name}'{manual.suggest(name, known)}, which is neither in "
                f"judge.jurors nor a file of conf/llm: {', '.join(known)}"
            )
        typed = OmegaConf.structured(ModelConfig)
        composed.judge.jurors[name] = OmegaConf.merge(typed, OmegaConf.load(path))


def _as_object(composed: DictConfig) -> Any:
    """Return the dataclasses; a section that refuses its values is named in the error.

    Raises:
        ConfigError: a value is out of its range.
    """
    try:
        return OmegaConf.to_object(composed)
    except ConfigError as error:
        section = _refusing(composed)
        if not section or section.partition(".")[0] in str(error):
            raise
        is_named = str(error).partition(" ")[0] in OmegaConf.select(composed, section)
        told = f"{section}{'.' if is_named else ': '}{error}"
        above, _, juror = section.rpartition(".")
        if above == "judge.jurors":  # its settings cannot be given one by one
            told += f"; as in judge.jurors='{{{juror}:{{backend:...,model:...}}}}'"
        raise ConfigError(told) from error


def _refusing(node: DictConfig, path: str = "") -> str:
    """Return the innermost section that cannot be made into its dataclass, or nothing."""
    for name in map(str, node):
        inner = node._get_node(name)
        if isinstance(inner, DictConfig) and (found := _refusing(inner, f"{path}{name}.")):
            return found
    try:
        OmegaConf.to_object(node)
    except ConfigError:
        return path.rstrip(".")
    return ""


def _unknown_keys(section: Any, prefix: str = "") -> Iterator[str]:
    """Find what `+key=value` added: Hydra lets it past the types."""
    known = {field.name for field in fields(section)}
    for name, value in vars(section).items():
        if name not in known:
            yield prefix + name
        elif is_dataclass(value):
            yield from _unknown_keys(value, f"{prefix}{name}.")


def _explain(error: BaseException, given: Sequence[str]) -> str:
    """Turn an error of Hydra or OmegaConf into one line that names what would be right.

    Args:
        error: Of Hydra or OmegaConf.
        given: The words of the command line.
    """
    cause = error if isinstance(error, OmegaConfBaseException) else error.__cause__
    if isinstance(cause, ConfigKeyError | ConfigAttributeError):
        return _explain_key(str(cause.full_key or cause.key))
    if isinstance(cause, OmegaConfBaseException) and cause.full_key:
        return _explain_value(str(cause.full_key), _one_line(cause.msg or cause))
    if isinstance(error, MissingConfigException) and error.missing_cfg_file:
        return _explain_option(str(error.missing_cfg_file), given)
    several = re.match(r"Ambiguous value for argument '([^']*)'", str(error))
    if several:
        return (
            f"'{several[1]}' has several values; add --multirun for a job for each, or brackets "
            "for a list: key=[a,b]"
        )
    group = re.search(r"Could not override '([^']*)'", str(error))
    if group:
        names = list(manual.groups())
        hint = manual.suggest(group[1], names)
        return f"there is no group '{group[1]}'{hint}; groups: {', '.join(names)}"
    if isinstance(error, OverrideParseException):
        return (
            f"cannot read '{error.override}'; a list is [a,b], and a value with quotes or brackets "
            "is quoted twice, such as \"personas.path='a [b].txt'\""
        )
    return _one_line(error)


def _explain_key(full_key: str) -> str:
    section, _, name = full_key.rpartition(".")
    top = section.partition(".")[0]
    if top in manual.sections():
        above = section.split(".")
        keys = [setting.key.split(".") for setting in manual.settings(top)]
        known = sorted({key[len(above)] for key in keys if _is_inside(key, above)})
    else:
        known = [s.key for s in manual.settings()] + manual.sections()
    where = f" in {section}" if section else ""
    hint = manual.suggest(name, known)
    if full_key in _CALLED:
        hint = f" (set {_CALLED[full_key]})"
    if not section and not hint and (meant := manual.homes(name)):
        hint = f" (did you mean {' or '.join(meant)}?)"
    return f"there is no setting '{name}'{where}{hint}; valid: {', '.join(known)}"


def _is_inside(key: Sequence[str], section: Sequence[str]) -> bool:
    """Say whether a setting is one of a section; both are cut at their dots."""
    pairs = zip(key, section, strict=False)
    return len(key) > len(section) and all(known in (name, manual.ANY) for known, name in pairs)


def _explain_value(full_key: str, message: str) -> str:
    if "is not a ListConfig" in message:
        return f"{full_key} is a list: write '{full_key}=[a,b]'"
    if "is not a subclass of" in message:
        group = [name for name in manual.groups() if name.endswith(f"@{full_key}")]
        choose = f", or choose {group[0]}=" if group else ""
        top = full_key.partition(".")[0]
        if top not in manual.sections():
            return f"'{full_key}' is a new name; write all of it at once: '{{{full_key}:{{...}}}}'"
        return f"{full_key} is a section: set what is in it, see --help {top}{choose}"
    return f"{full_key}: {message}"


def _explain_option(missing: str, given: Sequence[str]) -> str:
    folder, _, name = missing.partition("/")
    groups = {g: known for g, known in manual.groups().items() if g.partition("@")[0] == folder}
    if not groups:
        return f"there is no configuration file '{missing}' in conf/"
    chosen = {group: _chosen(group, given) for group in groups}  # several may share a folder
    group = next((group for group in groups if name in chosen[group]), next(iter(groups)))
    hint = manual.suggest(name, groups[group])
    return f"there is no {group}={name}{hint}; options: {', '.join(groups[group])}"


def _chosen(group: str, given: Sequence[str]) -> list[str]:
    """Return the options of a group that the command line chooses: of a sweep several."""
    words = [word.lstrip("+").partition("=") for word in given]
    return [name.strip() for key, _, names in words if key == group for name in names.split(",")]


def _one_line(message: object) -> str:
    """Join a message of several lines; OmegaConf's notes on keys and types are left out."""
    notes = re.compile(r"(full_key|object_type|reference_type)=|(full_key|object_type):")
    lines = [line.strip() for line in str(message).splitlines()]
    return " ".join(line for line in lines if line and not notes.match(line))
