"""What a rule looks for in an answer besides facts: words that must be in it, and choices."""

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path

from opencharacter.evaluation import assertions
from opencharacter.evaluation.assertions import is_denied, is_of_others, sentences
from opencharacter.ids import digest

_WORD = re.compile(r"\w+(?:\.\d+)?")
_PREFERS = re.compile(
    r"\b(?:prefer|choose|pick|take|favou?r|go (?:for|with)|rather|love|definitely)\b"
    r"\W*(?:\w+\W+){0,2}\Z",
    re.IGNORECASE,
)
_AGAINST = re.compile(r"\b(?:than|over|to|instead of)\W*\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What makes an answer right, as `EvalItem.answers` holds it; one of the two is given."""

    any_of: tuple[str, ...] = ()
    """Words in a row, one of which the answer holds; case and punctuation do not count."""
    pattern: str = ""
    """Regular expression that matches the whole answer, without white space around it."""

    def as_json(self) -> str:
        """Return it as text."""
        return json.dumps(asdict(self), ensure_ascii=False)

    def is_met(self, answer: str) -> bool:
        """Say whether an answer is right."""
        if self.pattern:
            return bool(re.fullmatch(self.pattern, answer.strip(), re.DOTALL))
        said = _words(answer)
        return any(f" {_words(words).strip()} " in said for words in self.any_of)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which of two a person prefers, as `EvalItem.answers` holds it."""

    prefers: str
    over: str

    def as_json(self) -> str:
        """Return it as text."""
        return json.dumps(asdict(self), ensure_ascii=False)

    def is_met(self, answer: str) -> bool | None:
        """Say whether an answer chooses as the person does; None = it chooses none, or both."""
        chosen = {name for name in (self.prefers, self.over) if _is_chosen(name, answer)}
        if len(chosen) > 1:
            chosen = {name for name in chosen if _is_chosen(name, answer, by_verb=True)}
        return self.prefers in chosen if len(chosen) == 1 else None


def rouge_l(answer: str, reference: str) -> float:
    """Return the F-measure of the longest common sequence of words, in [0, 1] (Lin 2004).

    Words are runs of letters and digits in lower case, without stemming; of Chinese and the like
    each character is one.
    """
    said, wanted = _tokens(answer), _tokens(reference)
    if not said or not wanted:
        return 0.0
    row = [0] * (len(wanted) + 1)  # lengths of common sequences with each prefix of the reference
    for word in said:
        before = row
        row = [0]
        for place, other in enumerate(wanted):
            row.append(before[place] + 1 if word == other else max(before[place + 1], row[place]))
    return 2 * row[-1] / (len(said) + len(wanted))


def _tokens(text: str) -> list[str]:
    return re.findall(
        r"[\u3040-\u30ff\u3400-\u9fff]|[^\W_\u3040-\u30ff\u3400-\u9fff]+", text.lower()
    )


def _words(text: str) -> str:
    plain = re.sub(r"(?<=\d),(?=\d{3}\b)", "", text.lower())
    return f" {' '.join(_WORD.findall(plain))} "


def _is_chosen(name: str, answer: str, *, by_verb: bool = False) -> bool:
    """Say whether a name is said and not refused; `by_verb` only right after a word of choice."""
    pattern = re.compile(rf"(?<!\w){re.escape(name)}(?!\w)", re.IGNORECASE)
    befores = [
        sentence[: found.start()]
        for sentence in sentences(answer)
        for found in pattern.finditer(sentence)
    ]
    return any(
        not (is_denied(before) or _AGAINST.search(before) or is_of_others(_meant(before)))
        and (_PREFERS.search(before) or not by_verb)
        for before in befores
    )


def _meant(before: str) -> str:
    """Return the words before a name, without the "would" of "I would choose"."""
    return re.sub(r"\bI would\b|\bI'd\b", "I", before)


FILES = (Path(__file__), Path(assertions.__file__))
"""What these rules are made of."""
RULES = f"expected@{digest([file.read_text(encoding='utf-8') for file in FILES])[:12]}"
"""Name and hash of these rules, as scores name a rubric."""
