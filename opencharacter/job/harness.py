"""Tasks of lm-evaluation-harness, run by itself on the player's weights, before ours are asked.

Its results stay as it writes them, in play/lm_eval/MODEL-HASH: they are its own, with its own
versions. The hash is that of the model's whole name and the tasks.
"""

import re
import shutil
import subprocess
import sys
from importlib.util import find_spec

from opencharacter.config import Backend, Config
from opencharacter.errors import ConfigError, ModelError
from opencharacter.ids import digest
from opencharacter.llm.opening import model_name, model_path
from opencharacter.store.stage import StageFolder

_LIBRARY = "lm_eval"


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
            "is not installed; pip install 'lm_eval[vllm]' beside opencharacter, or leave it out"
        )


def run_harness(folder: StageFolder, config: Config, fingerprint: str) -> None:
    """Run the tasks, unless their results are there; a repeated run replaces nothing.

    With `force=true` those of other models and tasks are removed.

    Args:
        folder: Of play.
        config: Names the tasks.
        fingerprint: What play is to be started with; where it was started otherwise it will be
            refused, and nothing is run for it.

    Raises:
        ModelError: the harness failed; its own words are above.
    """
    name = model_name(config.player)
    shown = re.sub(r"[^A-Za-z0-9._-]+", "_", name.partition("@")[0].rpartition("/")[2])
    hashed = digest("lm_eval", name, config.suite.lm_eval)[:12]
    out = folder.path / _LIBRARY / f"{shown}-{hashed}"
    if config.force:
        for other in out.parent.glob("*"):
            if other != out:
                shutil.rmtree(other)
    is_refused = not config.force and (folder.started() or {}).get("fingerprint", fingerprint) != (
        fingerprint
    )
    if not config.suite.lm_eval or is_refused or any(out.rglob("results*.json")):
        return
    words = [
        *(sys.executable, "-m", _LIBRARY, "--model", "vllm"),
        *("--model_args", f"pretrained={model_path(config.player)}"),
        *("--tasks", ",".join(config.suite.lm_eval), "--output_path", str(out)),
    ]
    status = subprocess.run(words, check=False).returncode
    if status:
        raise ModelError(f"lm-evaluation-harness ended with status {status}; asked: {words}")
