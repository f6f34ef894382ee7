"""The card of a trained model: README.md beside its weights, as the hub and people read it."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import yaml

from opencharacter.config import Objective, TrainConfig, Tuning, data_settings
from opencharacter.prompts.character import Shown
from opencharacter.records import Checkpoint
from opencharacter.store.files import whole_file
from opencharacter.store.licences import strictest
from opencharacter.train.base import base_path
from opencharacter.train.lineage import Lineage, Made
from opencharacter.train.snippets import prompt_section, use_section

_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")
_RELATION = {"transformers": "finetune", "peft": "adapter"}
_LIBRARIES = ("torch", "transformers", "trl", "peft", "accelerate", "deepspeed")
_KINDS = {
    "characters": "characters that were held out",
    "dialogues": "instructions that were held out",
    "forgetting": "general instructions, without a character",
}

_NOT_FOR = """\
- A character's answers are fiction: no advice on health, law or money, and no statement of fact.
- Not to pass for a real person, living or dead, nor to make anybody believe that they talk with a
  human being.
- Not for children or people in distress without somebody who answers for it: nothing here was
  tested for safety. What the base model and the teachers get wrong, and their biases of gender,
  origin and age, are in it too, and characters may make them stronger.
- The losses below say how well it predicts its teachers' words, not how well it plays a character;
  `stage=eval` measures that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CardFacts:
    """What a card tells."""

    run: str
    command: str
    """That trained the model."""
    checkpoint: Checkpoint
    config: TrainConfig
    base_licence: str
    lineage: Lineage
    before: Mapping[str, float]
    """Loss before the first step, by kind of what was held out."""
    notes: Mapping[str, int]
    """Counts of the training."""
    stop: str
    """Token that ends an answer."""


def write_model_card(folder: Path, text: str) -> None:
    """Write a card into a model's folder."""
    with whole_file(folder / "README.md") as temporary:
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace")


def _has_encoder(facts: CardFacts) -> bool:
    return facts.config.objective is Objective.seq2seq


def model_card(facts: CardFacts) -> str:
    """Return the card: front matter for the hub, then what a reader has to know."""
    sections = [
        f"# {plain(facts.run)}",
        _summary(facts),
        use_section(_shown(facts.lineage), _template_note(facts), has_encoder=_has_encoder(facts)),
        prompt_section(_shown(facts.lineage), _variants(facts.lineage)),
        "## What it is not for\n\n" + _NOT_FOR,
        _losses(facts),
        _data(facts.lineage),
        _licence(facts),
        _training(facts),
    ]
    return _front_matter(facts) + "\n" + "\n\n".join(sections) + "\n"


def adapters_card(facts: CardFacts) -> str:
    """Return the card of the adapters alone: what they belong to, and how they go onto it."""
    base = code(facts.checkpoint.base)
    return (
        f"{_front_matter(facts, 'peft')}\n# {plain(facts.run)}: adapters\n\n"
        f"Low-rank adapters of {base}, and they fit no other model. The model that they make is "
        "beside them, merged, in `../model`; its card tells data, losses, licence and use.\n\n"
        "```python\nfrom peft import AutoPeftModelForCausalLM\n\n"
        'model = AutoPeftModelForCausalLM.from_pretrained(".")  # this folder; it opens the base\n'
        "```\n"
    )


def plain(text: str) -> str:
    """Return a text of which Markdown and HTML read nothing but letters, on one line."""
    return re.sub(r"([\\`*_{}\[\]<>#|~!])", r"\\\1", " ".join(text.split()))


def code(text: str) -> str:
    """Return a text on one line as code, whatever backticks are in it."""
    line = " ".join(text.split())
    ticks = "`" * (1 + max((len(run) for run in re.findall("`+", line)), default=0))
    space = " " if line[:1] == "`" or line[-1:] == "`" else ""
    return f"{ticks}{space}{line}{space}{ticks}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    # Inside code a bar still ends a cell, and is written the same way.
    return "\n".join(lines + [f"| {' | '.join(map(_cell, row))} |" for row in rows])


def _cell(text: str) -> str:
    return re.sub(r"(?<!\\)\|", r"\\|", text)


def _front_matter(facts: CardFacts, library: str = "transformers") -> str:
    """Return what the hub reads; as YAML writes it, so that any name is safe."""
    licence = strictest(_licences(facts))
    base = base_path(facts.config)
    about: dict[str, Any] = {"license": licence.hub}
    if licence.hub in ("other", "unknown"):
        about |= {"license": "other", "license_name": "see-the-section-on-licence"}
    if _HUB_NAME.fullmatch(base) and not Path(base).exists():
        about |= {"base_model": base, "base_model_relation": _RELATION[library]}
    about |= {
        "library_name": library,
        "pipeline_tag": "text2text-generation" if _has_encoder(facts) else "text-generation",
        "tags": ["opencharacter", "role-play", "sft"],
    }
    return f"---\n{yaml.safe_dump(about, sort_keys=False, allow_unicode=True)}---\n"


def _summary(facts: CardFacts) -> str:
    checkpoint, lineage = facts.checkpoint, facts.lineage
    how = "low-rank adapters, merged" if facts.config.tuning is Tuning.lora else "all weights"
    rows = lineage.stages[0].rows if lineage.stages else 0
    teachers = ", ".join(code(name) for name in lineage.teachers) or "not known here"
    said = (
        f"{code(checkpoint.base)}, trained to play characters: {rows:,} dialogues of "
        f"{lineage.n_characters:,} characters, those held out included "
        f"({how}; epoch {checkpoint.epoch:.3g}, step "
        f"{checkpoint.step:,}). Profiles and dialogues are synthetic, written by {teachers}."
    )
    toys = [name for name in lineage.teachers if name.startswith("embedded")]
    if toys or checkpoint.base.startswith("embedded"):
        said += (
            "\n\n**A toy.** The small model inside opencharacter wrote or began this one, to try "
            "the pipeline on a laptop. Nothing that it writes is data or a result."
        )
    return said


def _losses(facts: CardFacts) -> str:
    after = {
        "characters": facts.checkpoint.character_loss,
        "dialogues": facts.checkpoint.dialogue_loss,
        "forgetting": facts.checkpoint.forgetting_loss,
    }
    rows = [
        (shown, _loss(facts.before.get(kind)), _loss(after[kind])) for kind, shown in _KINDS.items()
    ]
    return (
        "## Losses\n\nIn nats a supervised token, on dialogues that were not trained on.\n\n"
        + _table(("held out", "before", "after"), rows)
        + f"\n\nThe model that was kept: {plain(facts.checkpoint.chosen)}. Mean loss of the last "
        f"training steps: {facts.checkpoint.train_loss:.4f}."
    )


def _loss(value: float | None) -> str:
    return "not measured" if value is None else f"{value:.4f}"


def _data(lineage: Lineage) -> str:
    """Return where the rows come from."""
    sections = ["## Data"]
    if lineage.stages:
        tokens = lineage.stages[0].manifest
        for title, key in (("source", "sources"), ("method", "methods"), ("licence", "licences")):
            rows = [(plain(name), f"{n:,}") for name, n in tokens.get(key, {}).items()]
            if rows:
                sections.append(_table((f"{title} of the dialogues", "rows"), rows))
    head = ("stage", "rows", "fingerprint", "made by", "read from", "licences")
    sections.append(_table(head, [_stage_row(made) for made in lineage.stages]))
    unmet = [s for made in lineage.stages for s in made.manifest.get("unmet", [])]
    if unmet:
        sections.append("Asked for and not met: " + "; ".join(map(plain, unmet)) + ".")
    return "\n\n".join(sections)


def _stage_row(made: Made) -> Sequence[str]:
    return (
        made.stage,
        f"{made.rows:,}",
        code(made.output[:16]),
        code(made.model) if made.model else "",
        ", ".join(code(Path(origin).name) for origin in made.origins),
        ", ".join(plain(name) for name in made.manifest.get("licences", {})),
    )


def _licence(facts: CardFacts) -> str:
    found = strictest(_licences(facts))
    parents = [("the base model", plain(facts.base_licence))]
    rows = _row_licences(facts.lineage)
    parents += [("dialogues, and what they are made from", plain(name)) for name in rows]
    said = {
        "unknown": "Of one part nobody knows the licence: ask before this model is given to "
        "anyone. `train.base_licence=` and the licences of the sources say it",
        "other": "No licence of the hub has all that the parts ask for: each of them binds",
    }.get(found.hub, f"All together: {plain(found.hub)}")
    if any("llama" in name.casefold() for name in [facts.base_licence, *rows]):
        said += (
            ". The LLaMA licences ask of a model that is given on for a notice (`Built with Meta "
            "Llama 3`, or `Built with Llama`), and for `Llama` at the beginning of its name"
        )
    return (
        "## Licence\n\n"
        + _table(("part", "licence"), parents)
        + f"\n\n{said}. It allows nothing that one of the parts forbids. Teachers may have terms "
        "of their own for what they write. Not legal advice."
    )


def _training(facts: CardFacts) -> str:
    settings = json.dumps(data_settings(facts.config), indent=2, ensure_ascii=False)
    counts = [(plain(note), f"{n:,}") for note, n in facts.notes.items()]
    return (
        "## Training\n\n"
        + (_table(("", "count"), counts) + "\n\n" if counts else "")
        + f"opencharacter {plain(facts.checkpoint.code)}; {_versions()}; by\n\n"
        + _block(facts.command, "bash")
        + "\n\n"
        + _block(settings, "json")
    )


def _versions() -> str:
    return ", ".join(f"{name} {version(name)}" for name in _LIBRARIES if find_spec(name))


def _block(text: str, language: str) -> str:
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return f"{fence}{language}\n{text}\n{fence}"


def _licences(facts: CardFacts) -> list[str]:
    return [facts.base_licence, *_row_licences(facts.lineage)]


def _row_licences(lineage: Lineage) -> list[str]:
    return sorted(lineage.stages[0].manifest.get("licences", {})) if lineage.stages else []


def _shown(lineage: Lineage) -> Shown:
    """Return what the system prompts of most rows show of a character."""
    variants = _variants(lineage)
    return max(variants, key=lambda shown: variants[shown], default=Shown.both)


def _variants(lineage: Lineage) -> dict[Shown, int]:
    """Return how many rows have each kind of system prompt."""
    made = lineage.stage("mix")
    notes = made.manifest["counts"]["notes"] if made else {}
    counted = {shown: notes.get(f"system prompt: {shown}", 0) for shown in Shown}
    return {shown: count for shown, count in counted.items() if count}


def _template_note(facts: CardFacts) -> str:
    names = ", ".join(code(name) for name in facts.lineage.templates)
    return (
        f"Chat template: {names}, in `chat_template.jinja`. An answer ends with "
        f"{code(facts.stop)}, which stands in `generation_config.json`."
    )
