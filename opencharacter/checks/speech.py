"""What of an answer the character says of itself, and is not a text that it writes or quotes."""

import re

_NOT_OWN = re.compile(
    r"```.*?(?:```|\Z)"  # code
    r"|\u201c[^\u201d]{0,2000}\u201d|\"[^\"\n]{0,2000}\"|\u00ab[^\u00bb]{0,2000}\u00bb"
    r"|(?<!\w)'(?:[^'\n]|(?<=\w)'(?=\w)){1,2000}'(?!\w)"
    r"|^[ \t]*>[^\n]*$",  # a quotation in Markdown
    re.DOTALL | re.MULTILINE,
)
_TEXT = re.compile(
    r"\b(?:writ(?:e|es|ing|ten)|rewrite|compose|draft|create|generate|complete|continue|letters?"
    r"|e-?mails?|messages?|essays?|stor(?:y|ies)|tales?|poems?|songs?|lyrics|diar(?:y|ies)"
    r"|journals?|monologues?|dialog(?:ue)?s?|conversations?|scripts?|scenes?|sketch|plays?"
    r"|speech(?:es)?|blogs?|posts?|tweets?|captions?|resumes?|r\u00e9sum\u00e9s?|cv|bios?"
    r"|biograph(?:y|ies)|profiles?|templates?|forms?|examples?|samples?|sentences?|paragraphs?"
    r"|quotes?|lines?|films?|movies?|jokes?|pitch|pretend|imagine|suppose|role-?play(?:ing)?"
    r"|act as|as if|perspective|point of view|voice of|translate|translation|correct|edit"
    r"|proofread|paraphrase|summari[sz]e|repeat)\b",
    re.IGNORECASE,
)
_OWN = re.compile(
    r"\byourself\b|\byour (?:own|life|personal|name|age|background|story|bio)\b", re.IGNORECASE
)


def own_words(answer: str) -> str:
    """Return an answer without code and quotations, with straight apostrophes."""
    return _NOT_OWN.sub(" ", answer.replace("\u2019", "'"))


def asks_for_text(question: str) -> bool:
    """Return whether a question may ask for a text in which somebody else says "I"."""
    return bool(_TEXT.search(question)) and not _OWN.search(question)
