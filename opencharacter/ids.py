"""Ids, seeds and orders that depend on content alone: never on position, time or process."""

import hashlib
import json
from collections.abc import Iterable
from typing import Any

import msgspec

_ENCODER = msgspec.json.Encoder(order="sorted")


def canonical_json(value: Any) -> bytes:
    """Return `value` as JSON with sorted keys and no spaces, the same on every machine.

    UTF-8, with lone surrogates let through: a broken file may hold them.
    """
    try:
        return _ENCODER.encode(value)
    except UnicodeEncodeError:
        text = json.dumps(
            msgspec.to_builtins(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False
        )
        return text.encode("utf-8", "surrogatepass")


def digest(*parts: Any) -> str:
    """Return the sha256 (64 hex digits) of JSON-able `parts`; lone surrogates are allowed."""
    return hashlib.sha256(canonical_json(parts)).hexdigest()


def content_id(kind: str, *parts: Any) -> str:
    """Return an id such as `persona-0f3a...` (24 hex digits, 96 bits) of JSON-able `parts`.

    96 bits: among a billion records two share an id with a probability of about 1e-11.
    """
    return f"{kind}-{digest(kind, *parts)[:24]}"


def stable_number(*parts: Any) -> int:
    """Return a number in [0, 2**63) that is a hash of `parts`."""
    return int(digest(*parts)[:16], 16) >> 1


def stable_fraction(*parts: Any) -> float:
    """Return a number in [0, 1) that is a hash of `parts`, uniform over different `parts`."""
    return stable_number(*parts) / 2**63


def request_seed(seed: int, record_id: str, stage: str, turn: int, attempt: int) -> int:
    """Return the sampling seed of one model call, in [0, 2**31): engines take 32 signed bits."""
    return stable_number(seed, record_id, stage, turn, attempt) % 2**31


def part_of(record_id: str, parts: int) -> int:
    """Return which of `parts` parts does the work of a record, in [0, parts): its id is a hash."""
    return int(record_id[-12:], 16) % parts


def shuffled(ids: Iterable[str], *salt: Any) -> list[str]:
    """Return `ids` in an order that is a hash of each id and `salt`, whatever order they came in.

    A draw of n from the front is a prefix of a draw of more.
    """
    key = canonical_json(salt).decode("utf-8", "surrogatepass")
    return sorted(ids, key=lambda id_: hashlib.sha256(f"{key}/{id_}".encode()).digest())
