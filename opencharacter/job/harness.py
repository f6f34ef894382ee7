"""Tasks of lm-evaluation-harness, run by itself on the player's weights, before ours are asked.

Its results stay as it writes them, in play/lm_eval/MODEL-HASH: they are its own, with its own
versions. The hash is that of the model's whole name, the tasks and the options. Of several
processes that play, one runs them, and the others go on.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from opencharacter.config import Backend, Config, ModelConfig
from opencharacter.errors import ConfigError, ModelError
from opencharacter.ids import digest
from opencharacter.llm.opening import longest, model_name, model_path
from opencharacter.store.claims import Claims
from opencharacter.store.damage import damaged
from opencharacter.store.files import read_json
from opencharacter.store.stage import StageFolder

_LIBRARY = "lm_eval"
_PARTIAL = ".partial"


def check_harness(config: Config) -> None:
    """Check that the tasks that are asked for can be run.

    Raises:
        ConfigError: the player is no model of which the harness could open the weights.
        ModelError: the harness is not installed.
    """
    if not config.suite.lm_eval:
        return
    if config.player.backend is not Backend.vllm:
        raise ConfigError(
            f"suite.lm_eval needs the player's weights, and player.backend is "
            f"{config.player.backend}; leave it out, or choose a model of this process"
        )
    if find_spec(_LIBRARY) is None:
        raise ModelError(
            f"suite.lm_eval=[{','.join(config.suite.lm_eval)}] needs lm-evaluation-harness, which "
            "is not installed; pip install lm_eval beside opencharacter, or leave it out"
        )


def run_harness(folder: StageFolder, config: Config, fingerprint: str, claims: Claims) -> None:
    """Run the tasks, unless their results are there; nothing is replaced, nor removed.

    Results of other models and tasks stay beside them: the play that they belong to may be put
    back when this one fails, and a report reads those of the play that is there.

    Args:
        folder: Of play.
        config: Names the tasks.
        fingerprint: What play is to be started with; where it was started otherwise it will be
            refused, and nothing is run for it.
        claims: Of play, entered: while another process runs them, this one leaves them to it.

    Raises:
        ModelError: the harness failed; its own words are above.
    """
    suite = config.suite
    out = _results(folder, model_name(config.player), suite.lm_eval, suite.lm_eval_options)
    is_refused = not config.force and (folder.started() or {}).get("fingerprint", fingerprint) != (
        fingerprint
    )
    if not suite.lm_eval or is_refused or claims.take(_LIBRARY) is not None:
        return
    if not out.is_dir():
        _run(config, out)
    claims.release(_LIBRARY)


def _results(folder: StageFolder, model: str, tasks: Sequence[str], options: Sequence[str]) -> Path:
    """Return where the results of tasks on a model, `name@revision`, are."""
    shown = re.sub(r"[^A-Za-z0-9._-]+", "_", model.partition("@")[0].rpartition("/")[2])
    hashed = digest("lm_eval", model, list(tasks), list(options))[:12]
    return folder.path / _LIBRARY / f"{shown}-{hashed}"


def harness_command(config: Config, out: Path) -> list[str]:
    """Return the command that runs the tasks.

    Its `vllm` looks for a package of that name, which the build for the CPU is not: there its `hf`
    opens the same weights.
    """
    player, path = config.player, model_path(config.player)
    is_vllm = "vllm" in {each.name for each in metadata.distributions()}
    given = _engine_arguments(player, path) if is_vllm else {"dtype": player.dtype}
    if player.revision is not None and not Path(path).is_dir():
        given["revision"] = player.revision
    listed = ",".join(f"{key}={value}" for key, value in {"pretrained": path, **given}.items())
    return [
        *(sys.executable, "-m", _LIBRARY, "--model", "vllm" if is_vllm else "hf"),
        *("--model_args", listed, "--tasks", ",".join(config.suite.lm_eval)),
        *(("--batch_size", "auto") if is_vllm else ()),  # by itself it asks one at a time
        *("--output_path", str(out), *config.suite.lm_eval_options),
    ]


def _engine_arguments(player: ModelConfig, path: str) -> dict[str, str | int | float]:
    return {
        "dtype": player.dtype,
        "tensor_parallel_size": player.tensor_parallel,
        "gpu_memory_utilization": player.memory,
        "max_model_len": longest(player, path),
    }


def _run(config: Config, out: Path) -> None:
    """Run the tasks; their folder is there when all of it is."""
    partial = out.with_name(f"{out.name}{_PARTIAL}")
    shutil.rmtree(partial, ignore_errors=True)  # of a run that was killed
    words = harness_command(config, partial)
    status = subprocess.run(words, check=False).returncode
    if status:
        raise ModelError(f"lm-evaluation-harness ended with status {status}; asked: {words}")
    if not any(partial.rglob("results*.json")):
        raise ModelError(f"lm-evaluation-harness left no results in {partial}; asked: {words}")
    partial.rename(out)


def harness_facts(play: StageFolder) -> dict[str, str]:
    """Return what the harness measured as a report tells it, by `lm_eval TASK`; empty = nothing.

    That is what the play that is there was started with, whatever else lies beside it.

    Raises:
        StoreError: a file of results is damaged, or that of what play was started with.
    """
    settings = (play.started() or {"settings": {}})["settings"]
    suite = settings.get("suite", {})
    if not suite.get("lm_eval"):
        return {}
    model, options = settings["versions"]["model"], suite.get("lm_eval_options", [])
    kept = sorted(_results(play, model, suite["lm_eval"], options).rglob("results*.json"))
    return {task: told for path in kept for task, told in _read(path).items()}


def _read(path: Path) -> dict[str, str]:
    """Return what a file of results says of each task."""
    try:
        kept: Any = read_json(path)
        return {f"lm_eval {task}": _told(each) for task, each in kept["results"].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise damaged(path, f"no results of lm-evaluation-harness: {error}") from error


def _told(measured: Mapping[str, object]) -> str:
    """Return the metrics of a task in a line: it names them `metric,filter`."""
    said = []
    for key, value in measured.items():
        metric, _, cut = key.partition(",")
        if not cut or metric.endswith("_stderr") or not isinstance(value, int | float):
            continue
        error = measured.get(f"{metric}_stderr,{cut}")
        spread = f" (standard error {error:.4f})" if isinstance(error, int | float) else ""
        said.append(f"{metric}{'' if cut == 'none' else f' {cut}'} {value:.4f}{spread}")
    n = measured.get("sample_len")
    return ", ".join(said) + (f", n {n}" if isinstance(n, int) else "")
