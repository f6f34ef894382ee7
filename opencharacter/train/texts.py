"""Texts to ids and back to bytes, with the Rust tokenizer itself.

Asked directly it takes a third of the time that it takes through transformers; texts that repeat
(system prompts, questions) are encoded once.
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from opencharacter.llm.words import Words, falls_into_words

Ids = NDArray[np.int32]

_KEPT_IDS = 2_000_000  # of texts that may come again: 8 MB and their letters, twice
_BYTE = re.compile("<0x([0-9A-F]{2})>")


class Texts:
    """Encodes texts in which nothing is a control token."""

    def __init__(
        self, tokenizer_json: str, *, strange: Iterable[int] = (), is_first: bool = False
    ) -> None:
        """Build the tokenizer.

        Args:
            tokenizer_json: As `tokenizers` writes it.
            strange: Ids that no text may have, besides that of unknown letters.
            is_first: A text begins the sequence; else a control token stands before it.
        """
        asked = json.loads(tokenizer_json)
        before = asked.get("pre_tokenizer") or {}
        if is_first:
            before = {}
        if before.get("type") == "Metaspace" and before.get("prepend_scheme") == "first":
            before["prepend_scheme"] = "never"
            tokenizer_json = json.dumps(asked)
        self._tokenizer: Any = Tokenizer.from_str(tokenizer_json)
        self._tokenizer.encode_special_tokens = True
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._words = Words(self._tokenizer) if falls_into_words(self._tokenizer) else None
        unknown = getattr(self._tokenizer.model, "unk_token", None)
        found = None if unknown is None else self._tokenizer.token_to_id(unknown)
        found = asked["model"].get("unk_id", found)  # as unigram models call it
        self._strange = np.array([*strange, *([] if found is None else [found])], np.int32)
        self.faulty: set[str] = set()
        """Texts, of those encoded last, that have an id which no text may have."""
        self._kept: dict[str, Ids] = {}
        self._older: dict[str, Ids] = {}
        self._n_kept = 0

    def encode(self, texts: Iterable[str]) -> dict[str, Ids]:
        """Return the ids of each text."""
        wanted = set(texts)
        found: dict[str, Ids] = {}
        for text in wanted:
            ids = self._kept.get(text)
            if ids is None and (ids := self._older.get(text)) is not None:
                self._keep(text, ids)
            if ids is not None:
                found[text] = ids
        new = [text for text in wanted if text not in found]
        arrays = self._encode_new(new)
        found.update(zip(new, arrays, strict=True))
        is_strange = np.isin(np.concatenate([np.empty(0, np.int32), *arrays]), self._strange)
        ends = np.cumsum([len(array) for array in arrays])
        at = np.searchsorted(ends, np.flatnonzero(is_strange), side="right")
        self.faulty = {new[place] for place in at.tolist()}
        return found

    def _encode_new(self, texts: list[str]) -> list[Ids]:
        if self._words is not None:
            return self._words.encode(texts)
        encoded = self._tokenizer.encode_batch_fast(texts, add_special_tokens=False)
        return [np.array(each.ids, np.int32) for each in encoded]

    def keep(self, found: Mapping[str, Ids], texts: Iterable[str]) -> None:
        """Keep the ids of texts that may come again."""
        for text in texts:
            if text not in self._kept and text not in self.faulty:
                self._keep(text, found[text].copy())  # not the array that it is a part of

    def one(self, text: str) -> Ids:
        """Return the ids of one text; what was faulty before stays so."""
        before = self.faulty
        found = self.encode([text])[text]
        self.faulty |= before
        return found

    def _keep(self, text: str, ids: Ids) -> None:
        if self._n_kept > _KEPT_IDS:
            self._older, self._kept, self._n_kept = self._kept, {}, 0
        self._kept[text] = ids
        self._n_kept += len(ids) + 16


class Spelling(NamedTuple):
    """How a tokenizer writes text in its tokens."""

    letters: NDArray[np.uint8]
    """The bytes of all tokens, one after another."""
    starts: NDArray[np.int64]
    """Where each token's bytes begin, and where the last one's end."""
    tokenizer: Any
    is_bytes: bool
    """Whether tokens are bytes of the text; else they are letters of what it is normalised to."""

    def decode(self, ids: Ids) -> NDArray[np.uint8]:
        """Return the bytes that some tokens stand for, one after another."""
        lengths = self.lengths(ids)
        total = int(lengths.sum())
        shift = np.repeat(self.starts[ids] - (np.cumsum(lengths) - lengths), lengths)
        found: NDArray[np.uint8] = self.letters[shift + np.arange(total)]
        return found

    def text(self, ids: Ids) -> str:
        """Return what some tokens say, for a reader; bytes that are no letter show as U+FFFD."""
        said = self.decode(ids).tobytes().decode(errors="replace")
        return said if self.is_bytes else said.replace("▁", " ")

    def lengths(self, ids: Ids) -> NDArray[np.int64]:
        """Return how many bytes each token stands for."""
        found: NDArray[np.int64] = self.starts[ids + 1] - self.starts[ids]
        return found

    def cut(self, text: str) -> bytes:
        """Return the bytes of a text of its own, as the tokenizer cuts it before it encodes.

        SentencePiece's kind (T5) joins and drops white space there, and begins with a space or not.
        """
        if self.is_bytes or self.tokenizer.pre_tokenizer is None:
            return self.expected(text)
        normalizer = self.tokenizer.normalizer
        normal = text if normalizer is None else normalizer.normalize_str(text)
        pieces = self.tokenizer.pre_tokenizer.pre_tokenize_str(normal)
        return "".join(piece for piece, _ in pieces).removeprefix("▁").encode()

    def expected(self, text: str) -> bytes:
        """Return the bytes that the tokens of a text must stand for."""
        normalizer = self.tokenizer.normalizer
        normal = text if normalizer is None else normalizer.normalize_str(text)
        return (normal if self.is_bytes else normal.replace(" ", "▁")).encode()


def spelling(tokenizer_json: str) -> Spelling:
    """Read off a tokenizer what each of its tokens stands for."""
    tokenizer: Any = Tokenizer.from_str(tokenizer_json)
    is_bytes = '"ByteLevel"' in json.dumps(json.loads(tokenizer_json).get("decoder"))
    table = _byte_letters() if is_bytes else {}
    added = tokenizer.get_added_tokens_decoder()
    size = tokenizer.get_vocab_size(with_added_tokens=True)
    highest = max([size, *(number + 1 for number in added)])
    spelled = []
    for number in range(highest):
        token = tokenizer.id_to_token(number) or ""
        byte = None if is_bytes else _BYTE.fullmatch(token)
        if number in added:
            spelled.append(token.encode())
        elif is_bytes:
            spelled.append(bytes(table[letter] for letter in token))
        else:
            spelled.append(bytes([int(byte[1], 16)]) if byte else token.encode())
    starts = np.zeros(highest + 1, np.int64)
    np.cumsum([len(each) for each in spelled], out=starts[1:])
    return Spelling(np.frombuffer(b"".join(spelled), np.uint8), starts, tokenizer, is_bytes)


def _byte_letters() -> dict[str, int]:
    """Return the byte that each letter of a byte-level vocabulary stands for (GPT-2's table)."""
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [byte for byte in range(256) if byte not in shown]
    return {chr(byte): byte for byte in shown} | {
        chr(256 + at): byte for at, byte in enumerate(hidden)
    }
