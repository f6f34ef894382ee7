"""Answers that recite the system prompt."""

import re
from functools import cache

from opencharacter.checks.words import words_of
from opencharacter.prompts.character import system_prompt
from opencharacter.records import Call, Character, Split, Usage

_LEAK_WORDS = 12


@cache
def _fixed_texts() -> tuple[str, ...]:
    """Return what every system prompt says beside persona and profile, as rendered today."""
    call = Call(model="", prompt_sha256="", sampling="", seed=0, engine="")
    hole = "\x00"
    nobody = Character(
        persona_id="",
        persona=hole,
        split=Split.train,
        cluster="",
        licence="",
        name="",
        age=0,
        gender="",
        race="",
        birth_place="",
        appearance="",
        experience="",
        personality="",
        profile=hole,
        call=call,
        usage=Usage(),
    )
    return tuple(system_prompt(nobody).split(hole))


@cache
def _leak_runs() -> tuple[str, ...]:
    """Return every run of 12 words of the fixed sentences, spaces around."""
    runs: list[str] = []
    for text in _fixed_texts():
        lines = [line for line in text.splitlines() if not _is_heading(line)]
        words = words_of(" ".join(lines))
        runs += (
            f" {' '.join(words[start : start + _LEAK_WORDS])} "
            for start in range(len(words) - _LEAK_WORDS + 1)
        )
    return tuple(runs)


@cache
def _leak_words() -> frozenset[str]:
    """Return the longest (rarest) word of each run: most answers have none of them."""
    return frozenset(max(run.split(), key=len) for run in _leak_runs())


@cache
def _headings() -> re.Pattern[str]:
    """Return a pattern for the prompt's section headings, each alone on its line."""
    titles = [
        re.escape(line.lstrip("# ").lower())
        for text in _fixed_texts()
        for line in text.splitlines()
        if _is_heading(line)
    ]
    return re.compile(rf"^\W*#+ *(?:{'|'.join(titles)})\W*$", re.MULTILINE)


def _is_heading(line: str) -> bool:
    return line.startswith("# ")


def prompt_leak(answer: str, question: str) -> str | None:
    """Return the part of the system prompt that an answer recites, or None.

    That is 12 words in a row of its fixed sentences, or one of its section headings on a line of
    its own, unless the question shows the same. Persona and profile are the character's to tell.
    """
    lowered = answer.lower()
    if "#" in lowered:
        heading = _headings().search(lowered)
        if heading and not _headings().search(question.lower()):
            return f"the heading {heading[0].strip()!r}"
    if not any(word in lowered for word in _leak_words()):
        return None
    text = f" {' '.join(words_of(lowered))} "
    run = next((run for run in _leak_runs() if run in text), None)
    if run is None or run in f" {' '.join(words_of(question))} ":
        return None
    return f"the words {run.strip()!r}"
