"""Which model a training begins with; nothing here imports torch."""

from pathlib import Path
from typing import Any

from opencharacter.config import TrainConfig
from opencharacter.ids import digest

EMBEDDED_BASE = "embedded_base"
"""Name of the small base in the package."""

_BASE = Path(__file__).parent.parent / "llm" / "embedded"
_SAMPLED = 2**20  # bytes of a file's beginning and end that its fingerprint reads


def model_source(config: TrainConfig) -> str:
    """Return the folder or the hub id of the model."""
    return str(_BASE) if config.model == EMBEDDED_BASE else config.model


def base_name(config: TrainConfig) -> str:
    """Return `model@revision`, with a hash of its files for a folder."""
    source = Path(model_source(config))
    if source.is_dir():
        return f"{config.model}@{_folder_hash(source)}"
    return f"{config.model}@{config.revision or 'newest'}"


def _folder_hash(folder: Path) -> str:
    """Hash names, sizes, beginnings and ends of a model's files: reading 16 GB takes a minute."""
    parts: list[Any] = []
    for path in sorted(p for p in folder.iterdir() if p.is_file() and p.suffix != ".md"):
        size = path.stat().st_size
        with path.open("rb") as file:
            begin = file.read(_SAMPLED)
            file.seek(max(0, size - _SAMPLED))
            parts.append([path.name, size, begin.hex(), file.read(_SAMPLED).hex()])
    return digest("model", parts)[:16]
