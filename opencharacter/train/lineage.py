"""What a model was made of: the stages of its run, back to personas and instructions."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from huggingface_hub import hf_hub_download

from opencharacter.config import TrainConfig
from opencharacter.store.rows import part_files, read_columns
from opencharacter.store.stage import StageFolder
from opencharacter.train.base import base_path

UNKNOWN = "unknown"
_OURS = "apache-2.0"
_PATIENCE_S = 5.0  # a node may have no network
_PACKAGE = Path(__file__).resolve().parents[1]


class Made(NamedTuple):
    """A finished stage of the run."""

    stage: str
    output: str
    """Fingerprint of all its rows."""
    manifest: Mapping[str, Any]

    @property
    def rows(self) -> int:
        """Rows that it made."""
        count: int = self.manifest["counts"]["out"]
        return count

    @property
    def model(self) -> str | None:
        """`model@revision` that was asked; None = it asks none."""
        name: str | None = self.manifest["settings"].get("versions", {}).get("model")
        return name

    @property
    def origins(self) -> list[str]:
        """What it read from outside the run."""
        return sorted(self.manifest["settings"].get("sources", {}))


class Lineage(NamedTuple):
    """What the rows of a training come from."""

    stages: list[Made]
    """The last first; those that are in the run."""
    n_characters: int
    """Characters in the tokens, trained on or held out."""
    templates: list[str]
    """`name@hash` of the chat templates; one, unless runs were mixed by hand."""

    def stage(self, name: str) -> Made | None:
        """Return a stage of the run; None = it is not there."""
        return next((made for made in self.stages if made.stage == name), None)

    @property
    def teachers(self) -> list[str]:
        """Models that wrote profiles and dialogues, each once."""
        return sorted({made.model for made in self.stages if made.model})


def read_lineage(run_dir: Path) -> Lineage:
    """Read what the tokens of a run come from.

    Raises:
        StoreError: a manifest or a part is damaged.
    """
    data = run_dir / "tokenize" / "data"
    characters: set[str] = set()
    templates: set[str] = set()
    for character, template in read_columns(part_files(data), ["character_id", "template"]):
        characters.add(character)
        templates.add(template)
    return Lineage(
        stages=list(_stages(run_dir)),
        n_characters=len(characters - {""}),
        templates=sorted(templates),
    )


def base_licence(config: TrainConfig) -> str:
    """Return the licence of the model that a training began with.

    That is `train.base_licence`, or what the front matter of the model's own README.md says.
    """
    if config.base_licence is not None:
        return config.base_licence
    source = base_path(config)
    folder = Path(source)
    if folder.is_dir() and _PACKAGE in folder.resolve().parents:
        return _OURS
    readme = folder / "README.md" if folder.is_dir() else _hub_card(source, config.revision)
    if readme is None or not readme.is_file():
        return UNKNOWN
    return _named(readme.read_text(encoding="utf-8", errors="replace"))


def _stages(run_dir: Path) -> Iterator[Made]:
    """Yield stages from `tokenize` back to what was there first, each once."""
    waiting, seen = ["tokenize"], set[str]()
    while waiting:
        name = waiting.pop(0)
        manifest = StageFolder(run_dir=run_dir, stage=name).manifest()
        if name in seen or manifest is None:
            continue
        seen.add(name)
        waiting += manifest["inputs"]
        yield Made(name, manifest["output"], manifest)


def _hub_card(name: str, revision: str | None) -> Path | None:
    """Return the README.md of a hub model; None = the hub cannot be asked, or has none."""
    try:
        return Path(hf_hub_download(name, "README.md", revision=revision, etag_timeout=_PATIENCE_S))
    except (OSError, ValueError):
        return None


def _named(readme: str) -> str:
    """Return the licence in a front matter; that of `license_name` where the hub has no word."""
    _, begun, rest = readme.partition("---\n")
    front, ended, _ = rest.partition("\n---")
    try:
        about = yaml.safe_load(front) if begun and ended else None
    except yaml.YAMLError:
        return UNKNOWN
    if not isinstance(about, dict):
        return UNKNOWN
    licence = about.get("license")
    if licence == "other":
        licence = about.get("license_name") or licence
    return str(licence) if licence else UNKNOWN
