"""The command line: composes one typed configuration and hands it to a stage.

`python -m opencharacter stage=synth run=x [section.setting=value ...]`. Hydra composes `conf/`
under the dataclasses of `config/` (see `compose.py`, the only home of Hydra). Stages run after it
has returned, so a traceback shows their frames only, and a sweep is checked whole before its
first job. Exit status: 0 done, 1 a bug (traceback) or problems that `lint` found, 2 something the
user can mend (one line), 85 stopped on request with work left, 130 interrupted, 141 what it prints
is read by nobody any more.
"""

import os
import select
import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import TYPE_CHECKING

from opencharacter import __version__, manual
from opencharacter.errors import ConfigError, OpenCharacterError, StoppedError
from opencharacter.llm.stopping import STOPPED, Stopping

if TYPE_CHECKING:
    from opencharacter.compose import Planned

_ENVIRONMENT = {
    "DO_NOT_TRACK": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "VLLM_NO_USAGE_STATS": "1",
    # Silences a warning about forks; the engine works on tokens in its own threads.
    "TOKENIZERS_PARALLELISM": "false",
    # Hydra would shorten tracebacks and exit by itself.
    "HYDRA_FULL_ERROR": "1",
}

# The options, under Hydra's names; those with a value take it after `=` or as the next word.
_OPTIONS = {
    "-m": "--multirun",
    "--multirun": "--multirun",
    "-c": "--cfg",
    "--cfg": "--cfg",
    "-cd": "--config-dir",
    "--config-dir": "--config-dir",
}

# Libraries that the light installation leaves out.
_OPTIONAL = {
    "accelerate": "cpu",
    "datasets": "cpu",
    "deepspeed": "cpu",
    "peft": "cpu",
    "torch": "cpu",
    "transformers": "cpu",
    "trl": "cpu",
    "vllm": "cpu",
    "wandb": "track",
}


def main() -> int:
    """Run what the command line says; return the exit status."""
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    try:
        return _answer_all(sys.argv[1:])
    except BrokenPipeError:
        if not _is_unread(1):
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what is still held goes nowhere, quietly
        return 141
    except StoppedError as stopped:
        _complain(str(stopped), word="stopped")
        return STOPPED
    except OpenCharacterError as error:
        _complain(str(error))
        return 2
    except ModuleNotFoundError as error:
        library = (error.name or "").partition(".")[0]
        extra = _OPTIONAL.get(library)
        if extra is None:
            raise
        _complain(
            f"{library} is not installed; run `make setup` in a checkout, or "
            f"`pip install 'opencharacter[{extra}]'`" + (" (gpu for a GPU)" * (extra == "cpu"))
        )
        return 2
    except KeyboardInterrupt:
        _complain("interrupted; the same command goes on where this one stopped", word="stopped")
        return 130


def _answer_all(arguments: list[str]) -> int:
    status = _answer(arguments)
    sys.stdout.flush()  # here, where it is known what to do when nobody reads it
    return status


def _is_unread(descriptor: int) -> bool:
    """Tell whether it is a pipe that nobody reads any more, such as that of `| head`."""
    poll = select.poll()
    poll.register(descriptor, 0)
    return any(event & select.POLLERR for _, event in poll.poll(0))


def _answer(arguments: list[str]) -> int:
    if not arguments or {"-h", "--help"} & set(arguments):
        sys.stdout.write(_help(arguments))
        return 0
    if "--version" in arguments:
        sys.stdout.write(f"opencharacter {__version__}\n")
        return 0
    stopping = Stopping()
    stopping.listen()  # first of all: a signal that comes while an engine opens must not be lost
    options, overrides = _sort_words(arguments)
    is_sweep = "--multirun" in options
    # Hydra's own --cfg would show what no type and no check has seen.
    is_shown = options.pop("--cfg", None) is not None
    # Hydra's parser takes options before overrides only.
    sys.argv[1:] = [f"{name}={value}" if value else name for name, value in options.items()]
    sys.argv += overrides
    # Here and not above: Hydra takes a third of a second to import, and help must not wait for it.
    compose = import_module("opencharacter.compose")
    jobs: list[Planned] = compose.plan_sweep(overrides) if is_sweep else compose.plan_jobs()
    if is_shown:
        sys.stdout.write("".join(compose.as_yaml(job) for job in jobs))
        return 0
    return (_run_sweep if is_sweep else _run_all)(jobs, stopping)


def _help(arguments: Sequence[str]) -> str:
    """Return the help that is asked for: `--help`, `--help generate`, `stage=synth --help`."""
    words = [word.removeprefix("stage=") for word in arguments if not word.startswith("-")]
    named = [word for word in words if "=" not in word]
    return manual.section_help(named[0]) if named else manual.overview()


def _sort_words(arguments: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """Return the words of the command line as options with their values, and overrides.

    Raises:
        ConfigError: an option is unknown, or a word is no override.
    """
    options: dict[str, str] = {}
    overrides: list[str] = []
    words = iter(arguments)
    for word in words:
        if word.startswith("-"):
            name, _, value = word.partition("=")
            options[_option(name)] = _option_value(name, value, words)
        elif "=" not in word and not word.startswith("~"):
            hint = f", such as stage={word}" if word in manual.stages() else ""
            raise ConfigError(f"'{word}' is no setting: write key=value{hint}; see --help")
        else:
            overrides.append(word)
    return options, manual.with_section(overrides)


def _option(name: str) -> str:
    if name not in _OPTIONS:
        hint = manual.suggest(name, [*_OPTIONS, "--help", "--version"])
        raise ConfigError(f"there is no option {name}{hint}; see --help")
    return _OPTIONS[name]


def _option_value(name: str, value: str, following: Iterator[str]) -> str:
    """Return what an option is given; the empty string for `--multirun`."""
    if _option(name) == "--multirun":
        return ""
    value = value or next(following, "")
    if _option(name) == "--cfg" and value != "job":
        raise ConfigError(f"{name} shows the configuration of the job: write {name} job")
    if not value or value.startswith("-"):
        raise ConfigError(f"{name} needs a folder of configuration files")
    return value


def _run_all(jobs: "Sequence[Planned]", stopping: Stopping) -> int:
    for config, command in jobs:
        stage = import_module(f"opencharacter.stages.{config.stage}")
        if "check" in vars(stage):  # a stage's look at what it can know before anything is done
            stage.check(config)
        if config.slurm.submit:
            import_module("opencharacter.job.submit").submit(config, command)
            continue
        job_of = import_module("opencharacter.job").Job
        with job_of(config, command=command, stopping=stopping) as job:
            stage.run(config, job)
    return 0


def _run_sweep(jobs: "Sequence[Planned]", stopping: Stopping) -> int:
    """Run jobs one after another; one that the user must mend does not stop the others."""
    failed = 0
    for number, job in enumerate(jobs, start=1):
        sys.stderr.write(f"job {number} of {len(jobs)}: {job.command}\n")
        try:
            _run_all([job], stopping)
        except StoppedError:
            raise
        except OpenCharacterError as error:
            _complain(f"{error} (job {number} of {len(jobs)}; the others go on)")
            failed += 1
    if failed:
        _complain(f"{failed} of {len(jobs)} jobs failed; the lines above say why")
    return 2 if failed else 0


def _complain(message: str, *, word: str = "error") -> None:
    """Write one line, however many the message has."""
    sys.stderr.write(f"{word}: {' '.join(message.split())}\n")
