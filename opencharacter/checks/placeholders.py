"""Placeholders that nobody filled in, such as `{NAME}` or `{{char}}`."""

import re

_NAMES = (
    "name|first_?name|last_?name|full_?name|char|char_name|character|character_name|user|user_name"
    "|username|persona|profile|bot|bot_name|assistant|system|system_prompt|prompt|question"
    "|instruction|input|context|guidance|topic|trait|traits|role|description|scenario|message"
    "|messages|response|answer|example|examples|text|content|original|target"
)
_PLACEHOLDER = re.compile(
    # Not after a letter, a digit, a dollar sign or a backslash: `f{x}`, `${NAME}`, `\\frac{A}{B}`.
    rf"(?<![\w$\\%@^_}}{{])(?<!f['\"])(?:\{{\{{\s*(?:{_NAMES})\s*\}}\}}"
    rf"|\{{(?:{_NAMES}|[A-Z][A-Z_]+[A-Z])\}})(?![\w{{}}])"
    r"|<(?:USER|BOT|START|CHAR|NAME|PERSONA)>"
)
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]+`|\$[^$\n]{1,200}\$", re.DOTALL)


def placeholder(text: str, question: str = "") -> str | None:
    """Return the first placeholder that a template left behind, or None.

    Code, formulas, and what the question shows too are not looked at: programs have braces. The
    forms are those of Python templates, SillyTavern macros and Pygmalion markers.
    """
    if "{" not in text and "<" not in text:
        return None
    found = _PLACEHOLDER.search(_CODE.sub(" ", text))
    if found is None or found[0] in question:
        return None
    return repr(found[0])
