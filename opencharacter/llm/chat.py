"""Messages to token ids: the template's control tokens are control tokens, the text is text."""

import re
from collections.abc import Iterable, Iterator, Sequence
from copy import deepcopy
from functools import cached_property, lru_cache
from itertools import groupby
from typing import Any, NamedTuple

from opencharacter.errors import ModelError
from opencharacter.llm.words import Words, falls_into_words
from opencharacter.records import Message, Role

_MARK = re.compile("\ue000(\\d+)\ue001")


class _Piece(NamedTuple):
    """What stands between two control tokens of a template, or some of these."""

    ids: tuple[int, ...]
    """Of the template; empty where texts of messages stand."""
    parts: tuple[str | int, ...] = ()
    """The template's text, and places of messages, in order: encoded as one text."""
    is_said: bool = False
    """The assistant says it."""


class ChatEncoder:
    """Messages to token ids, with the text of messages encoded as text.

    The template is rendered around marks and cut at its control tokens. What lies between two of
    them, template and messages alike, is encoded as one text with special tokens split, so that
    `<|eot_id|>` inside a message stays five harmless pieces of text. An answer begins where the
    template's generation prompt ends. On clean text the ids are those of the template, and those of
    training (`train.layout`).
    """

    def __init__(self, tokenizer: Any) -> None:
        """Keep the tokenizer.

        Raises:
            ModelError: it has no chat template.
        """
        if not tokenizer.chat_template:
            raise ModelError(
                f"{tokenizer.name_or_path} has no chat template (a base model?); "
                "choose an instruction-tuned one"
            )
        self._tokenizer = tokenizer
        added = tokenizer.added_tokens_decoder.items()
        self._control = {*tokenizer.all_special_ids, *(id_ for id_, one in added if one.special)}
        names = {str(tokenizer.convert_ids_to_tokens(id_)): id_ for id_ in self._control}
        longest_first = sorted(names, key=len, reverse=True)
        self._names = names
        self._tokens = re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")
        fast = _fast_text_tokenizer(tokenizer)
        self._fast = fast
        self._words = Words(fast) if fast is not None and falls_into_words(fast) else None
        self._template = lru_cache(maxsize=256)(self._render)
        self._text = lru_cache(maxsize=4096)(self._encode_text)

    def encode(self, messages: tuple[Message, ...]) -> list[int]:
        """Return the prompt's ids, ending where the assistant's next turn begins."""
        ids = list[int]()
        for piece in self._template(tuple(message.role for message in messages), True):
            ids += piece.ids or self._text(_filled(piece, messages))
        return ids

    def encode_said(self, messages: tuple[Message, ...]) -> tuple[list[int], list[int]]:
        """Return the ids of a whole dialogue, and the places among them of what its assistant says.

        What it says are its texts and the control token that ends each of its turns: what training
        learns of a dialogue. What the template puts after the last of them is left out.

        Raises:
            ModelError: the template does not part what is said from the rest, as where `[INST]` is
                plain text: which of the tokens between two control tokens are whose is not known.
        """
        ids, said, is_said = list[int](), list[int](), False
        roles = tuple(message.role for message in messages)
        pieces = self._template(roles, False)
        is_parted = all(
            (roles[part] == Role.assistant) == piece.is_said
            for piece in pieces
            for part in piece.parts
            if isinstance(part, int)
        )
        for piece in pieces:
            start = len(ids)
            ids += piece.ids or self._text(_filled(piece, messages))
            end = len(ids)
            if is_said and piece.ids:  # the token that ends a turn
                end = start + next((n for n, i in enumerate(piece.ids, 1) if i in self._control), 0)
            if is_said or piece.is_said:
                said += range(start, end)
            is_said = piece.is_said
        if not is_parted or 0 in said:  # nothing stands before the first token to foretell it by
            raise ModelError(
                f"the chat template of {self._tokenizer.name_or_path} does not part what the "
                "assistant says from the rest by a control token or a generation prompt: its loss "
                "cannot be told; choose another model or template"
            )
        return ids[: said[-1] + 1] if said else ids, said

    def _render(self, roles: tuple[str, ...], is_asked: bool) -> tuple[_Piece, ...]:
        """Return the pieces of a dialogue of such messages, in order.

        Args:
            roles: Of the messages.
            is_asked: The assistant's next turn begins at the end.
        """
        text = self._rendered(roles, is_asked=is_asked)
        if sorted(int(mark) for mark in _MARK.findall(text)) != list(range(len(roles))):
            raise ModelError(
                f"the chat template of {self._tokenizer.name_or_path} does not show every message "
                f"once (roles: {', '.join(roles)}); choose another model or template"
            )
        pieces, at = list[_Piece](), 0
        for found in self._tokens.finditer(text):
            pieces += self._between(text[at : found.start()], roles)
            pieces.append(_Piece((self._names[found[0]],)))
            at = found.end()
        pieces += self._between(text[at:], roles)
        return tuple(_joined(pieces))

    def _rendered(self, roles: tuple[str, ...], *, is_asked: bool) -> str:
        marks = [f"\ue000{place}\ue001" for place in range(len(roles))]
        text: str = self._tokenizer.apply_chat_template(
            [{"role": role, "content": mark} for role, mark in zip(roles, marks, strict=True)],
            tokenize=False,
            add_generation_prompt=is_asked,
        )
        return text

    @cached_property
    def _prompt_end(self) -> str:
        """What the generation prompt has after its last control token, such as a line break."""
        asked = self._rendered((Role.user,), is_asked=True)
        prompt = asked.removeprefix(self._rendered((Role.user,), is_asked=False))
        return "" if prompt == asked else self._tokens.split(prompt)[-1]

    def _between(self, text: str, roles: tuple[str, ...]) -> Iterator[_Piece]:
        """Yield what stands between two control tokens; answers apart from what asks for them."""
        at = 0
        for mark in _MARK.finditer(text):
            is_said = roles[int(mark[1])] == Role.assistant
            ends = text.rfind(self._prompt_end, at, mark.start()) if is_said else -1
            if self._prompt_end and ends >= 0:
                yield from self._one(text[at : ends + len(self._prompt_end)], is_said=False)
                at = ends + len(self._prompt_end)
        last = [int(place) for place in _MARK.findall(text[at:])]
        yield from self._one(text[at:], is_said=any(roles[n] == Role.assistant for n in last))

    def _one(self, text: str, *, is_said: bool) -> Iterator[_Piece]:
        """Yield the piece of a text of the template, if there is any."""
        split = _MARK.split(text)
        parts = (int(part) if at % 2 else part for at, part in enumerate(split))
        found = tuple(part for part in parts if part != "")
        if any(isinstance(part, int) for part in found):
            yield _Piece((), found, is_said)
        elif text:
            yield _Piece(self._encode_text(text))

    def _encode_text(self, text: str) -> tuple[int, ...]:
        if self._words is not None:
            [known] = self._words.encode([text])
            return tuple(known.tolist())
        if self._fast is not None:
            [found] = self._fast.encode_batch_fast([text], add_special_tokens=False)
            return tuple(found.ids)
        ids = self._tokenizer.encode(
            text,
            add_special_tokens=False,
            split_special_tokens=True,
            verbose=False,  # an over-long text is answered `too_long`, not warned about
        )
        return tuple(ids)


def _filled(piece: _Piece, messages: Sequence[Message]) -> str:
    """Return the text of a piece, with the messages in their places."""
    return "".join(
        part if isinstance(part, str) else messages[part].content.strip() for part in piece.parts
    )


def _joined(pieces: Iterable[_Piece]) -> Iterator[_Piece]:
    """Yield the pieces, neighbours of the template as one."""
    for is_text, group in groupby(pieces, key=lambda piece: bool(piece.parts)):
        if is_text:
            yield from group
        else:
            yield _Piece(tuple(id_ for piece in group for id_ in piece.ids))


def _fast_text_tokenizer(tokenizer: Any) -> Any:
    """Return a copy of a `tokenizers` tokenizer that splits special tokens, None of a slow one.

    Asked directly it takes a third of the time of a short text; `encode_batch_fast` alone does
    without the places of tokens in the text, which takes a third off a long one.
    """
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        return None
    fast = deepcopy(backend)
    fast.encode_special_tokens = True
    fast.no_truncation()
    fast.no_padding()
    return fast
