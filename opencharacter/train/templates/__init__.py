"""Our chat templates, and which of them belongs to a tokenizer.

They are jinja files beside this one, with `{% generation %}` around what the assistant says.
"""

import re
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

from opencharacter.config import Template
from opencharacter.errors import ModelError
from opencharacter.ids import digest
from opencharacter.store.files import whole_file

FILE_NAME = "chat_template.jinja"
"""What transformers, vLLM and others call the template in a model's folder."""

CONTROL_TOKENS = {
    Template.llama3: ("<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"),
    Template.chatml: ("<|im_start|>", "<|im_end|>"),
    Template.mistral: ("[INST]", "[/INST]"),
}
"""What the vocabulary must have as control tokens for each of our templates."""

_MARKERS = re.compile(r"\{%-?\s*(?:end)?generation\s*-?%\}")


class ChosenTemplate(NamedTuple):
    """A template, and what it is called."""

    name: Template
    text: str
    """With `{% generation %}` around what is learned."""

    @property
    def version(self) -> str:
        """`name@hash`."""
        return f"{self.name}@{digest(self.text)[:12]}"

    @property
    def served(self) -> str:
        """The template without the marks, which not every server knows: it renders the same."""
        return self.text if self.name is Template.own else _served(self.text)


def choose_template(
    asked: Template, control: Collection[str], own: str | None, *, model: str
) -> ChosenTemplate:
    """Return the template that is asked for, or the one that the control tokens belong to.

    Args:
        asked: `tokenize.template`.
        control: The control tokens of the vocabulary.
        own: The template that comes with the model, if one does.
        model: Its name, for the error.

    Raises:
        ModelError: the vocabulary lacks its control tokens, or nothing says what is learned.
    """
    if asked is Template.auto:
        fitting = [name for name, tokens in CONTROL_TOKENS.items() if {*tokens} <= {*control}]
        asked = fitting[0] if fitting else Template.own
    if asked is Template.own:
        known = [name for name in CONTROL_TOKENS if own == _served(template_text(name))]
        if not known:
            return ChosenTemplate(Template.own, _marked(own, model))
        asked = known[0]  # ours, saved with a model that was trained here
    if absent := [token for token in CONTROL_TOKENS[asked] if token not in control]:
        raise ModelError(
            f"{model} has no control token {absent[0]}, which tokenize.template={asked} needs; "
            "choose another template or model"
        )
    return ChosenTemplate(asked, template_text(asked))


def template_text(name: Template) -> str:
    """Return one of our templates."""
    return (Path(__file__).parent / f"{name}.jinja").read_text(encoding="utf-8")


def save_template(template: ChosenTemplate, folder: Path) -> Path:
    """Write the template into a model's folder, so that it is served as it was trained.

    Raises:
        StoreError: the disk is full.
    """
    path = folder / FILE_NAME
    with whole_file(path) as temporary:
        temporary.write_text(template.served, encoding="utf-8")
    return path


def _served(text: str) -> str:
    return _MARKERS.sub("", text)


def _marked(own: str | None, model: str) -> str:
    if own and _MARKERS.search(own):
        return own
    lack = "has no chat template" if not own else "has one without {% generation %} marks"
    raise ModelError(
        f"{model} {lack}, so nothing says what the assistant learns; choose "
        "tokenize.template=llama3, chatml or mistral"
    )
