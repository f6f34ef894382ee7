"""Chat templates rendered as transformers renders them, without importing it and torch with it.

`{% generation %}` and `{% endgeneration %}` leave marks in the text, which are taken out again.
"""

import datetime
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from jinja2 import nodes
from jinja2.exceptions import TemplateError
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

_BEGINS, _ENDS = "\ue002", "\ue003"
_MARKS = re.compile(f"[{_BEGINS}{_ENDS}]")


class Rendered(NamedTuple):
    """A dialogue as text."""

    text: str
    spans: list[tuple[int, int]]
    """Where what the template marks begins and ends, in characters."""


class _Generation(Extension):
    """The two tags; each is a mark."""

    tags = {"generation", "endgeneration"}  # noqa: RUF012  jinja reads it off the class

    def parse(self, parser: Parser) -> nodes.Node:
        """Put a mark in the tag's place."""
        token = next(parser.stream)
        mark = _BEGINS if token.value == "generation" else _ENDS
        return nodes.Output([nodes.TemplateData(mark)], lineno=token.lineno)


class ChatTemplate:
    """A compiled chat template."""

    def __init__(self, text: str, names: Mapping[str, str]) -> None:
        """Compile it.

        Args:
            text: Jinja.
            names: What it calls special tokens, such as `bos_token`.

        Raises:
            TemplateError: it is no jinja.
        """
        environment = ImmutableSandboxedEnvironment(
            trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, loopcontrols]
        )
        environment.filters["tojson"] = _to_json
        environment.globals["raise_exception"] = _raise
        environment.globals["strftime_now"] = _now
        self._template = environment.from_string(text)
        self._names = dict(names)

    def render(self, messages: Sequence[Mapping[str, str]]) -> Rendered:
        """Render a dialogue whose texts hold none of our marks.

        Raises:
            TemplateError: the template refuses it, or its marks are not in pairs.
        """
        marked = self._template.render(
            messages=list(messages), add_generation_prompt=False, **self._names
        )
        found = list(_MARKS.finditer(marked))
        if "".join(each[0] for each in found) != (_BEGINS + _ENDS) * (len(found) // 2):
            raise TemplateError("generation and endgeneration are not in pairs")
        at = [each.start() - before for before, each in enumerate(found)]
        return Rendered(_MARKS.sub("", marked), list(zip(at[::2], at[1::2], strict=True)))


def _raise(message: str) -> None:
    raise TemplateError(message)


def _now(form: str) -> str:
    return datetime.datetime.now().astimezone().strftime(form)


def _to_json(value: Any, **options: Any) -> str:
    return json.dumps(value, **{"ensure_ascii": False, **options})
