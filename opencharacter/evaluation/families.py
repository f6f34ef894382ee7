"""Which models are kin: a judge favours answers of its own family, so it makes no headline of them.

Self-preference of judges: Panickssery, Bowman and Feng, arXiv 2404.13076.
"""

import re
from collections.abc import Iterable, Mapping

_FAMILIES = (
    ("llama", r"llama|vicuna|alpaca|tulu"),
    ("qwen", r"qwen|qwq"),
    ("mistral", r"mi[sx]tral|ministral"),
    ("gemma", r"gemma|gemini"),
    ("gpt", r"\bgpt|chatgpt|\bo[134]\b"),
    ("claude", r"claude"),
    ("deepseek", r"deepseek"),
    ("phi", r"\bphi\b|phi-?\d"),
    ("glm", r"\b(chat)?glm"),
    ("grok", r"\bgrok"),
    ("kimi", r"\bkimi"),
    ("olmo", r"olmo"),
    ("command", r"command-[ar]\b|\baya\b"),
    ("internlm", r"internlm"),
    ("granite", r"granite"),
    ("falcon", r"falcon"),
    ("smollm", r"smollm"),
    ("embedded", r"embedded"),
    ("scripted", r"scripted"),
)


def is_known(model: str, given: str = "") -> bool:
    """Return whether the family of a model is given, or its name says it; see `family_of`."""
    name = model.partition("@")[0].lower()
    return bool(given) or any(re.search(pattern, name) for _, pattern in _FAMILIES)


def family_of(model: str, given: str = "") -> str:
    """Return the family of a model: what was given, what its name says, or its name.

    Args:
        model: `name@revision`.
        given: In the configuration.
    """
    if given:
        return given.lower()
    name = model.partition("@")[0].lower()
    for family, pattern in _FAMILIES:
        if re.search(pattern, name):
            return family
    return name.rpartition("/")[2]


def refuse_headline(
    judges: Mapping[str, str], others: Iterable[tuple[str, str]], *, is_stated: bool
) -> str:
    """Return why means of these judges are no headline; empty = they may be one.

    Args:
        judges: Family of each, by name.
        others: What it is kin to, such as `the teacher`, and its family.
        is_stated: Whether a headline may say so, and stand.
    """
    kin = sorted(
        {
            f"{judge} is of {whose} family, {family}"
            for whose, family in others
            for judge, its in judges.items()
            if its == family
        }
    )
    if not kin or is_stated:
        return ""
    return (
        f"no headline: {'; '.join(kin)}, and a judge favours its own; judge with another family, "
        "or state it with stage=judge judge.same_family=true"
    )
