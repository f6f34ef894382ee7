"""What a rule looks for in an answer besides facts: words that must be in it, and choices."""

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path

from opencharacter.evaluation import assertions
from opencharacter.evaluation.assertions import clause, is_denied, is_of_others, sentences
from opencharacter.ids import digest

_WORD = re.compile(r"\w+(?:\.\d+)?")


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
        """Say whether an answer chooses as the person does; None = it chooses none, or both.

        To say that one is bad is to choose none; words of choice ("rather", "is better") outdo
        those of liking, and these a name alone.
        """
        if _is_torn(self.prefers, self.over, answer) or _is_torn(self.over, self.prefers, answer):
            return None
        mine, other = (
            max(_views(name, against, answer), default=0)
            for name, against in ((self.prefers, self.over), (self.over, self.prefers))
        )
        return None if mine == other or max(mine, other) <= 0 else mine > other


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


_CHOSEN, _LIKED, _NAMED = 3, 2, 1
_REFUSED = -1
_CHOOSES = re.compile(
    r"\b(?:prefer(?:red)?|choose|chose|pick(?:ed)?|take|took|favou?r|go(?:ing)? (?:for|with)|rather"
    r"|say|definitely|certainly"
    r"|(?:I'd|I'll|I would|I will|let's) (?:\w+ )?(?:watch|see|read|eat|have|buy)"
    r"|(?:choice|pick|favou?rite|vote|answer|winner)(?: is| would be|:| goes to|'s)?"
    r"|(?:nothing|little) (?:beats|tops)"
    r"|(?P<less>(?:not|\w+n't) as \w+ as"  # the denial is of the other one
    r"|(?:not|\w+n't|never) (?:come close|hold a candle|measure up|compare) to))"
    r"(?!\w)\W*(?:(?!(?:not|than|over|to|of)\b)\w+[ '\"]+){0,2}\Z",
    re.IGNORECASE,
)
_LIKES = re.compile(
    r"\b(?:loved?|liked?|enjoy(?:ed)?|adored?|fond of|fan of|get enough of|resist"
    r"|(?:never|not|n't) (?:get )?tired? of)\b\W*(?:\w+[ '\"]+){0,2}\Z",
    re.IGNORECASE,
)
_YET_LIKES = re.compile(r"\b(?:enough of|resist|tired? of)\W*(?:\w+\W+)?\Z", re.IGNORECASE)
_DISLIKES = re.compile(
    r"\b(?:hate[ds]?|dislike[ds]?|detest|despise|loathe|stand|bored (?:by|with|of)|tired of|sick of"
    r"|avoid|skip|regret\w*|fell asleep (?:in|during)|walked out of|leave|forget|suffered through"
    r"|enough of|sat through)\b\W*(?:\w+[ '\"]+){0,2}\Z",
    re.IGNORECASE,
)
_IS_BETTER = re.compile(
    r"\W*(?:is|was|'s|would be|will be)? ?"
    r"(?:(?:by far|clearly|simply|still|always|much|far|even|the)\s+)*"
    r"(?:better|best|beats|wins|outshines|tops|my (?:choice|pick|favou?rite|answer|vote)"
    r"|the one(?: for me)?|superior|any ?day|every time|all the way|hands down|over)\b",
    re.IGNORECASE,
)
_WORSE = (
    r"(?:overrated|boring|bad|awful|terrible|dull|weak\w*|worse|worst|inferior|tedious|trash|rubbish"
    r"|garbage|dreadful|horrible|disappoint\w+|slow|long|loud|silly|forgettable|a bore|a waste"
    r"|a mess|nothing|unwatchable|mediocre|hard to)"
)
_BAD = rf"(?:{_WORSE}|not\b)"
_IS_BAD = re.compile(
    rf"\W*(?:(?:is|was|'s|seems?|felt|feels|looks?)\s+(?!not bad\b)(?:(?!not\b)[\w']+\s+)"
    rf"{{0,2}}?{_BAD}|(?:isn't|wasn't|doesn't|didn't|never|won't|can't|cannot|could never|does not"
    r"|did not)\b(?! bad)|(?:bore[ds]?|annoy\w*|disappoint\w*|pales?|loses|lost|put me to sleep"
    r"|left me cold|leaves me cold|falls short|drags?)\b)",
    re.IGNORECASE,
)
_AGAINST = re.compile(
    r"\b(?:than|over|to|instead of|beats|beat|tops|outshines|compared (?:to|with)|next to|beside)"
    r"\W*(?:\w+\W+)?\Z",
    re.IGNORECASE,
)
_ALONE = re.compile(
    r"(?:\A\W*(?:(?:yes|no|oh|well|ah|hm+|okay|easy|easily|definitely|probably|me|it's|not|but"
    r"|the)\b\W*)*|[,:;\u2014\u2013-]\W*(?:so |then |and |but |the )*"
    r"|\b(?:so|then|but|it's|be|with) )\W*\Z",
    re.IGNORECASE,
)
_ALONE_AFTER = re.compile(r"\W*(?:\Z|[.,;:!\u2014\u2013-])|\W+(?:of course|for me|please|and|so)\b")
_ANEW = re.compile(r"\W*[,;:\u2014\u2013-]|\s+(?:but|so|then|though|while)\b", re.IGNORECASE)
_BOTH = re.compile(r"\b(?:both|either)\b[^,;]*\Z", re.IGNORECASE)
_ONCE = re.compile(
    r"\b(?:used to|once|as a (?:child|kid|boy|girl)|years ago|before)\b", re.IGNORECASE
)
_TO_CHOOSE = re.compile(r"\bif (?:I|you|we|it)\b[^,]{0,40},", re.IGNORECASE)


def _mentions(name: str, answer: str) -> list[tuple[str, str]]:
    """Return the words before and after a name in each sentence that asserts something."""
    pattern = re.compile(rf"(?<!\w){re.escape(name)}(?!\w)", re.IGNORECASE)
    return [
        (sentence[: found.start()], sentence[found.end() :])
        for sentence in sentences(answer)
        for found in pattern.finditer(sentence)
    ]


def _views(name: str, other: str, answer: str) -> list[int]:
    """Return what each mention of a name says of it; nothing of those that say nothing."""
    return [
        view
        for before, after in _mentions(name, answer)
        if (view := _view(_meant(before), after, other)) is not None
    ]


def _view(before: str, after: str, other: str) -> int | None:
    """Return what is said of a name between these words; None = nothing that a rule is sure of."""
    if is_of_others(before) or _ONCE.search(before) or _BOTH.search(before):
        return None
    said = re.split(rf"(?<!\w){re.escape(other)}(?!\w)", before, flags=re.IGNORECASE)
    if len(said) > 1 and _AGAINST.search(before):  # "Heat is better than ..."
        return _compared(clause(said[-1]))
    if len(said) > 1 and _ANEW.match(said[-1]):
        before = said[-1]
    if (choice := _CHOOSES.search(before)) and (choice["less"] or not is_denied(before)):
        return _CHOSEN
    if _YET_LIKES.search(before) and is_denied(before):
        return _LIKED
    if _AGAINST.search(before) or _DISLIKES.search(before) or is_denied(before):
        return _REFUSED
    if _IS_BAD.match(after):
        return _REFUSED
    if _IS_BETTER.match(after):
        return _CHOSEN
    if _LIKES.search(before):
        return _LIKED
    return _NAMED if _ALONE.search(before) and _ALONE_AFTER.match(after) else None


def _compared(between: str) -> int | None:
    """Return what is said of a name by the words from the other one to it; "not worse than": None.

    "better than" refuses it; "worse than" and "not better than" choose it.
    """
    is_worse = bool(re.search(rf"\b(?:{_WORSE}|less|pales?|loses)", between, re.IGNORECASE))
    if is_worse and is_denied(between):
        return None
    return _CHOSEN if is_worse or is_denied(between) else _REFUSED


def _is_torn(name: str, other: str, answer: str) -> bool:
    """Say whether a name is both chosen and refused."""
    views = _views(name, other, answer)
    return _REFUSED in views and max(views) > _NAMED


def _meant(before: str) -> str:
    """Return the words before a name, without those of a choice that is only asked for."""
    plain = _TO_CHOOSE.sub(" ", before)
    return re.sub(r"\bI would\b|\bI'd\b(?! (?:\w+ )?(?:watch|see|read|eat|have|buy))", "I", plain)


FILES = (Path(__file__), Path(assertions.__file__))
"""What these rules are made of."""
RULES = f"expected@{digest([file.read_text(encoding='utf-8') for file in FILES])[:12]}"
"""Name and hash of these rules, as scores name a rubric."""
