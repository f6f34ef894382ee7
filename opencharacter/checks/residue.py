"""What templates and tools leave in an answer: thoughts, labels of the speaker, headings."""

import re

from opencharacter.checks.voice import asks_for_dialogue

# Templates of reasoning models put the opening mark into the prompt: answers may lack it.
_THOUGHTS = re.compile(
    r"\A\s*(?:<think(?:ing)?>.*?|(?:(?!<think)[^`])*?)</think(?:ing)?>\s*", re.DOTALL
)
_SPEAKER = re.compile(
    r"\A\s*(?:#{1,4} *)?(?:\*\*)?(?:assistant|chatgpt|gpt)(?:\*\*)? ?:(?:\*\*)?\s*"
    r"|\A\s*### Response:\s*",
    re.IGNORECASE,
)
_THOUGHT = re.compile(r"\A\s*<think(?:ing)?>|</think(?:ing)?>")
_GOES_ON = re.compile(r"^### (?:Instruction|Input|Human|User|Assistant|Response):", re.MULTILINE)
_NO_OUTPUT = re.compile(r"<no ?(?:output|input)>", re.IGNORECASE)


def template_residue(answer: str, question: str) -> str | None:
    """Return what a template or a tool left in an answer, or None.

    Thoughts (`<think>`), the speaker's label in front (`Assistant:`), headings of Alpaca's template
    (`### Response:`) and its `<nooutput>`. What the question shows, or a dialogue that it asks for,
    may have the same.
    """
    found = _residue(answer)
    if found is None or found.lower() in question.lower() or asks_for_dialogue(question):
        return None
    return repr(found)


def _residue(answer: str) -> str | None:
    # Each looks first for what is cheap to find: most answers have none of them.
    is_tagged = "<" in answer
    if is_tagged and "think" in answer and (thought := _THOUGHT.search(answer)):
        return thought[0].strip()
    if ":" in answer[:40] and (speaker := _SPEAKER.match(answer)):
        return speaker[0].strip()
    if "#" in answer and (heading := _GOES_ON.search(answer)):
        return heading[0]
    if is_tagged and (nothing := _NO_OUTPUT.search(answer)):
        return nothing[0]
    return None


def without_residue(answer: str) -> str:
    """Return an answer without the thoughts and labels in front of it; what is inside stays."""
    return _SPEAKER.sub("", _THOUGHTS.sub("", answer))
