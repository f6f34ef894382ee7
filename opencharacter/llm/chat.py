"""Messages to token ids: the template's control tokens are control tokens, the text is text."""

from copy import deepcopy
from functools import lru_cache
from typing import Any

from opencharacter.errors import ModelError
from opencharacter.llm.words import Words, falls_into_words
from opencharacter.records import Message, Role


class ChatEncoder:
    """Messages to token ids, with the text of messages encoded as text.

    The template is rendered around marks, and each message's text is encoded on its own with
    special tokens split, so that `<|eot_id|>` inside a message stays five harmless pieces of text.
    On clean text the ids are those of the template.
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
        fast = _fast_text_tokenizer(tokenizer)
        self._fast = fast
        self._words = Words(fast) if fast is not None and falls_into_words(fast) else None
        self._template = lru_cache(maxsize=256)(self._render)
        self._text = lru_cache(maxsize=4096)(self._encode_text)

    def encode(self, messages: tuple[Message, ...]) -> list[int]:
        """Return the prompt's ids, ending where the assistant's next turn begins."""
        pieces = self._template(tuple(message.role for message in messages), True)
        ids = list(pieces[0][1])
        for index, after in pieces[1:]:
            ids += self._text(messages[index].content.strip())
            ids += after
        return ids

    def encode_said(self, messages: tuple[Message, ...]) -> tuple[list[int], list[int]]:
        """Return the ids of a whole dialogue, and the places among them of what its assistant says.

        What it says are its texts and the control token that ends each of its turns: what training
        learns of a dialogue. What the template puts after the last of them is left out.
        """
        pieces = self._template(tuple(message.role for message in messages), False)
        ids, said = list(pieces[0][1]), list[int]()
        for index, after in pieces[1:]:
            start = len(ids)
            ids += self._text(messages[index].content.strip())
            end = len(ids) + next((n for n, id_ in enumerate(after, 1) if id_ in self._control), 0)
            ids += after
            if messages[index].role == Role.assistant:
                said += range(start, end)
        return ids[: said[-1] + 1] if said else ids, said

    def _render(self, roles: tuple[str, ...], is_asked: bool) -> list[tuple[int, tuple[int, ...]]]:
        """Return (message that stands before, ids of the template's piece) in order.

        Args:
            roles: Of the messages.
            is_asked: The assistant's next turn begins at the end.
        """
        marks = [f"\ue000{index}\ue001" for index in range(len(roles))]
        text: str = self._tokenizer.apply_chat_template(
            [{"role": role, "content": mark} for role, mark in zip(roles, marks, strict=True)],
            tokenize=False,
            add_generation_prompt=is_asked,
        )
        places = sorted((text.find(mark), index) for index, mark in enumerate(marks))
        if any(text.count(mark) != 1 for mark in marks):
            raise ModelError(
                f"the chat template of {self._tokenizer.name_or_path} does not show every message "
                f"once (roles: {', '.join(roles)}); choose another model or template"
            )
        ends = [place + len(marks[index]) for place, index in places]
        starts = [place for place, _ in places[1:]] + [len(text)]
        pieces = [(-1, self._encode_template(text[: places[0][0]]))]
        for (_, index), end, start in zip(places, ends, starts, strict=True):
            pieces.append((index, self._encode_template(text[end:start])))
        return pieces

    def _encode_template(self, text: str) -> tuple[int, ...]:
        return tuple(self._tokenizer.encode(text, add_special_tokens=False)) if text else ()

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
