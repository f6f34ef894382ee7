"""Where llama.cpp's tools are; nothing here imports torch."""

import shutil
from pathlib import Path
from typing import NamedTuple

from opencharacter.config import Gguf, TrainConfig
from opencharacter.errors import ConfigError

CONVERTED = (Gguf.f32, Gguf.f16, Gguf.bf16, Gguf.q8_0)
"""Types that the converter writes itself; the others are quantised from f16 by another tool."""

_CONVERTER, _QUANTIZER = "convert_hf_to_gguf.py", "llama-quantize"
_BUILT = ("", "build/bin", "bin")


class Tools(NamedTuple):
    """What turns a model into GGUF."""

    converter: Path
    """`convert_hf_to_gguf.py`."""
    quantizer: Path | None
    """`llama-quantize`; None = it is not needed."""


def find_tools(config: TrainConfig) -> Tools | None:
    """Return the tools that `train.gguf` needs; None = no GGUF is asked for.

    Raises:
        ConfigError: one is not there.
    """
    if config.gguf is Gguf.none:
        return None
    if config.llama_cpp is not None and not Path(config.llama_cpp).expanduser().is_dir():
        raise ConfigError(f"there is no folder {config.llama_cpp}; check train.llama_cpp")
    converter = _find(_CONVERTER, config.llama_cpp)
    if converter is None:
        raise ConfigError(
            f"train.gguf={config.gguf} needs llama.cpp's {_CONVERTER}, which is not "
            f"{_where(config)}; git clone https://github.com/ggml-org/llama.cpp and set "
            "train.llama_cpp=FOLDER, or leave out train.gguf: the model itself needs none of it"
        )
    quantizer = _find(_QUANTIZER, config.llama_cpp)
    if config.gguf not in CONVERTED and quantizer is None:
        direct = ", ".join(CONVERTED)
        raise ConfigError(
            f"train.gguf={config.gguf} needs {_QUANTIZER}, which is not {_where(config)}; build "
            f"llama.cpp (cmake -B build && cmake --build build --target {_QUANTIZER}), or set "
            f"train.gguf to one of {direct}, which the converter writes itself"
        )
    return Tools(converter, None if config.gguf in CONVERTED else quantizer)


def _find(name: str, folder: str | None) -> Path | None:
    """Return a tool in the folder of llama.cpp; on the PATH if no folder is named."""
    if folder is None:
        found = shutil.which(name)
        return None if found is None else Path(found)
    places = (Path(folder).expanduser() / place / name for place in _BUILT)
    return next((place for place in places if place.is_file()), None)


def _where(config: TrainConfig) -> str:
    return f"in train.llama_cpp={config.llama_cpp}" if config.llama_cpp else "on the PATH"
