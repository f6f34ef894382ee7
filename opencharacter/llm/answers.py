"""What a server's answers mean: text, a refusal of this request, a passing fault, a wrong set-up.

Pure: bytes, a status and headers go in; a `Completion` comes out, or a `PassingError` where another
try may help, or a `ModelError` where none can.
"""

import json
import math
import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC
from email.utils import parsedate_to_datetime
from time import time
from typing import Any, NamedTuple

from opencharacter.config import ModelConfig
from opencharacter.errors import ModelError
from opencharacter.llm.requests import Completion, Finish
from opencharacter.records import Usage

OTHER_MODEL = "another model answered"
"""Kind of a passing fault."""

_PASSING_STATUS = frozenset({408, 409, 425, 429})  # and 5xx
_UNPAID_CODES = frozenset({"insufficient_quota", "billing_hard_limit_reached"})
# Servers word it differently; OpenAI alone has a code for it.
_TOO_LONG = re.compile(
    r"context[ _](length|window)|maximum (model|input|prompt) length|max_model_len"
    r"|(prompt|input) is too long",
    re.IGNORECASE,
)
_FINISHES = {"stop": Finish.stop, "length": Finish.length, "content_filter": Finish.filtered}
# What may follow a model's name in that of a version: `gpt-4o` may answer as `gpt-4o-2024-08-06`.
# At least three digits: `gpt-4` is neither `gpt-4.1` nor `gpt-4-32k`.
_VERSION = re.compile(r"[-@:](\d{3,8}(-\d\d-\d\d)?|latest)")


class PassingError(Exception):
    """What a later try may not meet again."""

    def __init__(
        self,
        kind: str,
        detail: str = "",
        *,
        wait_s: float | None = None,
        spent: Usage | None = None,
    ) -> None:
        super().__init__(f"{kind}: {detail}" if detail else kind)
        self.kind = kind
        """A short word without details: the breaker counts by it."""
        self.wait_s = wait_s
        """What the server asked for; None = it did not say."""
        self.spent = spent or Usage()
        """Tokens of an answer that cannot be used."""


class Refusal(NamedTuple):
    """An answer with a status of 400 or above."""

    status: int
    message: str
    """The server's own words, on one line."""
    code: str | None = None
    """A fixed word of OpenAI's for some of them."""
    retry_after: str | None = None
    """The header."""


def read_answer(body: bytes, config: ModelConfig, *, labels: tuple[str, ...] = ()) -> Completion:
    """Return the completion in the body of a 200.

    Args:
        body: Of the answer.
        config: Whom was asked.
        labels: Of the request.

    Raises:
        PassingError: There is none, or another model's.
        ModelError: The answer does not tell its tokens, and a budget or a limit needs them; or not
            their probabilities, and the request has labels.
    """
    try:
        answer = json.loads(body)
    except ValueError as error:
        raise PassingError("the answer is no JSON", repr(body[:80])) from error
    try:
        choice, said = answer["choices"][0], answer.get("model")
        message, reason = choice["message"], choice["finish_reason"]
        refusal, text = message.get("refusal"), message.get("content") or ""
        spent = _usage(answer.get("usage") or {})
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise PassingError("the answer is no chat completion", repr(body[:200])) from error
    if not isinstance(text, str) or not isinstance(reason, str):
        raise PassingError("the answer is no chat completion", repr(body[:200]), spent=spent)
    _refuse_other_model(said, config, spent)
    if config.counts_tokens and text and not (spent.prompt_tokens or spent.output_tokens):
        raise ModelError(
            f"{config.base_url} does not say how many tokens an answer took, so no budget and no "
            "tokens_per_minute can be kept; leave them out, or choose a server that counts"
        )
    served = said if isinstance(said, str) else ""
    if refusal:
        said_no = Completion(text=str(refusal), finish=Finish.filtered, served=served)
        return with_usage(said_no, [spent])
    if reason not in _FINISHES:
        ended = f"the server ended with finish_reason '{reason}'"
        return with_usage(Completion(text=ended, finish=Finish.error), [spent])
    if labels:
        told = _label_probabilities(choice.get("logprobs"), labels, config)
        said_one = Completion(
            text=text.strip(), finish=Finish.stop, probabilities=told, served=served
        )
        return with_usage(said_one, [spent])
    return with_usage(Completion(text=text, finish=_FINISHES[reason], served=served), [spent])


def read_refusal(refusal: Refusal, config: ModelConfig) -> Completion:
    """Return what a status says of this one request.

    Raises:
        PassingError: A later try may be answered.
        ModelError: The key or the account is of no use.
    """
    status, message, code, _ = refusal
    said = f"HTTP {status}: {message}"
    if status in (401, 403):
        raise ModelError(
            f"{config.base_url} refuses the key ({said}); export {config.api_key_env}=<your key>"
        )
    if status == 402 or code in _UNPAID_CODES:
        raise ModelError(
            f"the account at {config.base_url} is used up ({said}); raise its limit, then run the "
            "same command again: finished answers are kept"
        )
    if status in _PASSING_STATUS or status >= 500:
        wait_s = retry_after_s(refusal.retry_after)
        raise PassingError(f"HTTP {status}", message, wait_s=wait_s)
    if code == "content_filter":
        return Completion(text=message, finish=Finish.filtered)
    if code == "context_length_exceeded" or _TOO_LONG.search(message):
        return Completion(text=message, finish=Finish.too_long)
    return Completion(text=said, finish=Finish.error)


def with_usage(completion: Completion, usages: Iterable[Usage]) -> Completion:
    """Return a completion that also counts the tokens of `usages`."""
    for more in usages:
        completion = replace(
            completion,
            prompt_tokens=completion.prompt_tokens + more.prompt_tokens,
            cached_tokens=completion.cached_tokens + more.cached_tokens,
            output_tokens=completion.output_tokens + more.output_tokens,
        )
    return completion


def retry_after_s(header: str | None) -> float | None:
    """Return the seconds in a Retry-After header, a number or a date; None = none that is one."""
    if header is None:
        return None
    if re.fullmatch(r"\s*\d{1,300}(\.\d+)?\s*", header):
        return float(header)
    try:
        date = parsedate_to_datetime(header)
    except ValueError:
        return None
    # RFC 9110 allows no zone but GMT.
    at = date if date.tzinfo else date.replace(tzinfo=UTC)
    return max(0.0, at.timestamp() - time())


def is_same_model(asked: str, said: str) -> bool:
    """Tell whether a server's name for a model is that of `asked`, or of a version of it.

    Case and what stands before the last slash do not matter.
    """
    asked, said = (name.lower().rpartition("/")[2] for name in (asked, said))
    asked = asked.removesuffix("-latest")
    return said.startswith(asked) and (
        said == asked or _VERSION.fullmatch(said.removeprefix(asked)) is not None
    )


def _label_probabilities(
    told: Any, labels: tuple[str, ...], config: ModelConfig
) -> tuple[float, ...]:
    """Return how likely each label was as the first token, spelt with white space or without.

    Raises:
        ModelError: the server tells no probabilities.
    """
    try:
        first = told["content"][0]["top_logprobs"] if told["content"] else []
        likely = [(str(one["token"]).strip(), math.exp(one["logprob"])) for one in first]
    except (LookupError, TypeError, ValueError, OverflowError) as error:
        raise ModelError(
            f"{config.base_url} tells no probabilities of '{config.model}'; have the verdicts "
            "written as JSON: judge.label_probabilities=false"
        ) from error
    return tuple(sum(each for token, each in likely if token == label) for label in labels)


def _refuse_other_model(said: object, config: ModelConfig, spent: Usage) -> None:
    """Raise if an answer names another model; servers that name none are believed."""
    expected = config.answers_as or config.model
    if isinstance(said, str) and said and not is_same_model(expected, said):
        raise PassingError(OTHER_MODEL, f"'{said[:100]}' instead of '{expected}'", spent=spent)


def _usage(counts: dict[str, Any]) -> Usage:
    details = counts.get("prompt_tokens_details") or {}
    return Usage(
        prompt_tokens=int(counts.get("prompt_tokens") or 0),
        cached_tokens=int(details.get("cached_tokens") or 0),
        output_tokens=int(counts.get("completion_tokens") or 0),
    )
