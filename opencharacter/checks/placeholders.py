"""Placeholders that nobody filled in, such as `{NAME}` or `{{char}}`."""

import re

from opencharacter.checks.speech import asks_for_text, own_words

_NAMES = (
    "name|first_?name|last_?name|full_?name|char|char_name|character|character_name|user|user_name"
    "|username|persona|profile|bot|bot_name|assistant|system|system_prompt|prompt|question"
    "|instruction|input|context|guidance|topic|trait|traits|role|description|scenario|message"
    "|messages|response|answer|example|examples|text|content|original|target"
)
# {NULL} and {ABC} are sets.
_CAPITALS = rf"{_NAMES.upper()}|AGE|GENDER|CITY|COUNTRY|PLACE|JOB|DATE|TITLE|[A-Z]+_[A-Z_]*[A-Z]"
_PLACEHOLDER = re.compile(
    # Not after a letter, a digit, a dollar sign or a backslash: `f{x}`, `${NAME}`, `\\frac{A}{B}`.
    rf"(?<![\w$\\%@^_}}{{/])(?<!f['\"])(?:\{{\{{\s*(?:{_NAMES})\s*\}}\}}"
    rf"|\{{(?:{_NAMES}|{_CAPITALS})\}})(?![\w{{}}])"
    r"|(?<![\w/@])<(?:USER|BOT|START|CHAR|NAME|PERSONA)>(?![@/])"
)
_CODE = re.compile(
    r"```.*?(?:```|\Z)|`[^`\n]+`|\$(?!\{)[^$\n]{1,200}\$(?![\w{])"
    r"|\b(?:[fF][rR]?|[rR][fF])(?:\"\"\".*?\"\"\"|\"[^\"\n]*\"|'[^'\n]*')"  # f"Hello {name}"
    r"|^[^\n]*(?:\.format(?:_map)?\(|</\w+>)[^\n]*$",  # a line of Python, of HTML
    re.DOTALL | re.MULTILINE,
)
_BLANK = re.compile(
    r"\[(?:(?:your|my|company|character|first|last|full|user)(?:'s)? name|your [a-z ]{2,30}"
    r"|insert [^\[\]\n]{2,30}|name|age|city|town|country|company|job title|profession|place)"
    r"\](?![(:])",
    re.IGNORECASE,
)
# Of shells and of Python: code, but in "I am ${name}" and in a system prompt.
_FIELD = re.compile(rf"\$\{{(?:{_NAMES})\}}|%\((?:{_NAMES})\)s", re.IGNORECASE)
_BLANK_OF_OWN = re.compile(
    r"(?<!\w)(?:i|i'm|i've|my|we|we're|our|this is)\b[^.!?:\n\[\]]{0,80}"
    rf"(?P<blank>{_BLANK.pattern}|{_FIELD.pattern})",
    re.IGNORECASE,
)
# The user may want words of his own: "How do I introduce myself?"
_ABOUT_USER = re.compile(
    r"\b(?:i|i'm|my|myself|we|our|us|one|someone|somebody|people|customers?|how to)\b",
    re.IGNORECASE,
)
_ABOUT_CODE = re.compile(
    r"\b(?:prompts?|templates?|placeholders?|formatting|f-?strings?|variables?|python|javascript|java"
    r"|typescript|jinja|vue|react|angular|html|code|program|function|script|api|urls?|endpoints?"
    r"|regex|latex|sql|shell|bash|git|commands?)\b",
    re.IGNORECASE,
)


def placeholder(text: str, question: str = "") -> str | None:
    """Return the first placeholder that a template left behind, or None.

    Code, formulas, answers about code, and what the question shows too are not looked at. The
    forms are those of Python templates, SillyTavern macros and Pygmalion markers; and a blank such
    as "[Your Name]" where the character speaks of itself: a letter for the user may have blanks.
    """
    has_blank = "[" in text and _BLANK.search(text)
    has_field = ("$" in text or "%" in text) and _FIELD.search(text) and not is_about_code(question)
    if (has_blank or has_field) and (blank := _own_blank(text, question)):
        return blank
    # What costs is to leave out the code: only where there is something to be found.
    if ("{" not in text and "<" not in text) or not _PLACEHOLDER.search(text):
        return None
    found = _PLACEHOLDER.search(_CODE.sub(" ", text))
    if found is None or found[0] in question or is_about_code(question):
        return None
    return repr(found[0])


def is_about_code(question: str) -> bool:
    """Return whether a question may want code, or is about it."""
    return bool(_ABOUT_CODE.search(question))


def prompt_field(system_prompt: str) -> str | None:
    """Return the first `${name}` or `%(name)s` that nobody filled in, code apart, or None."""
    if "${" not in system_prompt and "%(" not in system_prompt:
        return None
    found = _FIELD.search(_CODE.sub(" ", system_prompt))
    return repr(found[0]) if found else None


def _own_blank(text: str, question: str) -> str | None:
    if asks_for_text(question) or _ABOUT_USER.search(question):
        return None
    found = _BLANK_OF_OWN.search(own_words(text))
    return repr(found["blank"]) if found and found["blank"] not in question else None
