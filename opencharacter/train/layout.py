"""A chat template as pieces: control tokens as ids, texts to be encoded, and who learns what.

A template is rendered around marks that stand for the messages' texts. What is around them is cut
at its control tokens; what lies between two of these is encoded as one text in which nothing is a
control token. So text stays text, and on clean text the ids are those of the template. What is
learned is what the template marks with `{% generation %}` (see transformers' chat templates).
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from jinja2.exceptions import TemplateError
from numpy.typing import NDArray

from opencharacter.errors import ModelError
from opencharacter.train.jinja import ChatTemplate, Rendered

Ids = NDArray[np.int32]

_MARK = re.compile("\ue000(\\d+)\ue001")
_KEPT_UP_TO = 64  # messages: plans of longer dialogues are rarely needed twice


class Piece(NamedTuple):
    """What stands between two control tokens, or some of these."""

    ids: Ids | None
    """None where there is a text of a message."""
    text: tuple[str | int, ...]
    """The template's text, and the places in the dialogue of messages, in order."""
    turn: int
    """Place of the message that learns this piece; -1 = it is only read."""


class Frame(NamedTuple):
    """What the template lets the assistant say around its text."""

    before: str
    after: str
    """The token that ends a turn."""


class Layout:
    """How messages become one sequence of tokens."""

    def __init__(
        self,
        template: str,
        names: Mapping[str, str],
        control: Mapping[str, int],
        encode: Callable[[str], Ids],
    ) -> None:
        """Render one dialogue to learn how the assistant's turns are framed.

        Args:
            template: Jinja, with `{% generation %}` around what is learned.
            names: What the template calls special tokens, such as `bos_token`.
            control: Every control token, with its id.
            encode: Encodes a text in which there are none.

        Raises:
            ModelError: the template is broken, or marks nothing.
        """
        try:
            self._template = ChatTemplate(template, names)
        except TemplateError as error:
            raise ModelError(
                f"the chat template is no jinja: {error}; choose another tokenize.template"
            ) from error
        self._control = dict(control)
        self._encode = lru_cache(maxsize=4096)(encode)
        longest_first = sorted(control, key=len, reverse=True)
        self._tokens = re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")
        self._kept = lru_cache(maxsize=512)(self._plan)
        text, spans = self._render(("user", "assistant"))
        inside = [text[start:end].split("\ue0001\ue001") for start, end in spans]
        if len(inside) != 1 or len(inside[0]) != 2:
            raise ModelError(
                "the chat template does not mark what the assistant says with {% generation %}; "
                "choose tokenize.template=llama3, chatml or mistral"
            )
        self.frame = Frame(*inside[0])

    def render(self, messages: Sequence[Mapping[str, str]]) -> str:
        """Return the template's text."""
        return self._rendered(messages).text

    def plan(self, roles: tuple[str, ...]) -> tuple[Piece, ...]:
        """Return the pieces of a dialogue of such messages, in order.

        Raises:
            ModelError: the template does not show each message once.
        """
        return self._kept(roles) if len(roles) <= _KEPT_UP_TO else self._plan(roles)

    def _plan(self, roles: tuple[str, ...]) -> tuple[Piece, ...]:
        text, spans = self._render(roles)
        shown = [int(found[1]) for found in _MARK.finditer(text)]
        if sorted(shown) != list(range(len(roles))):
            raise ModelError(
                f"the chat template does not show every message once (roles: {_short(roles)}); "
                "choose another tokenize.template"
            )
        pieces: list[Piece] = []
        at = 0
        for start, end in spans:
            pieces += self._cut(text[at:start], -1)
            found = _MARK.search(text, start, end)
            turn = -1 if found is None else int(found[1])
            if text[start:end] != f"{self.frame.before}\ue000{turn}\ue001{self.frame.after}":
                raise ModelError(
                    f"the chat template frames turn {turn} otherwise than the first one (roles: "
                    f"{_short(roles)}); choose another tokenize.template"
                )
            pieces += self._cut(text[start:end], turn)
            at = end
        pieces += self._cut(text[at:], -1)
        return tuple(_joined(pieces))

    def _cut(self, text: str, turn: int) -> Iterator[Piece]:
        """Yield the pieces of one stretch of the template."""
        at = 0
        for found in self._tokens.finditer(text):
            yield from self._between(text[at : found.start()], turn)
            yield Piece(np.array([self._control[found[0]]], np.int32), (), turn)
            at = found.end()
        yield from self._between(text[at:], turn)

    def _between(self, text: str, turn: int) -> Iterator[Piece]:
        """Yield the piece between two control tokens, if there is any."""
        parts = _MARK.split(text)
        named = tuple(int(part) if at % 2 else part for at, part in enumerate(parts))
        found = tuple(part for part in named if part != "")
        if any(isinstance(part, int) for part in found):
            yield Piece(None, found, turn)
        elif text:
            yield Piece(self._encode(text), (), turn)

    def _render(self, roles: tuple[str, ...]) -> Rendered:
        marks = [f"\ue000{place}\ue001" for place in range(len(roles))]
        return self._rendered(
            [{"role": r, "content": mark} for r, mark in zip(roles, marks, strict=True)]
        )

    def _rendered(self, messages: Sequence[Mapping[str, str]]) -> Rendered:
        try:
            return self._template.render(messages)
        except TemplateError as error:
            roles = _short([message["role"] for message in messages])
            raise ModelError(
                f"the chat template refuses a dialogue ({roles}): {error}; choose another "
                "tokenize.template"
            ) from error


def _joined(pieces: Sequence[Piece]) -> Iterator[Piece]:
    """Yield the pieces, neighbours of fixed ids that belong together as one."""
    waiting: list[Piece] = []
    for piece in pieces:
        if waiting and (piece.ids is None or piece.turn != waiting[0].turn):
            yield _one(waiting)
            waiting = []
        if piece.ids is None:
            yield piece
        else:
            waiting.append(piece)
    if waiting:
        yield _one(waiting)


def _one(pieces: Sequence[Piece]) -> Piece:
    return Piece(np.concatenate([p.ids for p in pieces if p.ids is not None]), (), pieces[0].turn)


def _short(roles: Sequence[str]) -> str:
    return ", ".join(roles[:6]) + (" ..." if len(roles) > 6 else "")
