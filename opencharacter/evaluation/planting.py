"""Faults planted by rule in answers, to see whether a judge finds them; and changes that are none.

A fault that a judge must find lowers its score; a change that is none must leave the score where it
was. Nobody has to label anything: what was planted is known.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import replace
from enum import StrEnum
from typing import NamedTuple

from opencharacter.evaluation.work import PREFERENCE, Instrument, Work
from opencharacter.ids import shuffled, stable_number
from opencharacter.prompts.rubrics import Rubric
from opencharacter.records import Control, EvalItem, Message, Role, Transcript

ORIGINAL = "original"
"""Criterion of the untouched answers begins so."""


class Fault(StrEnum):
    """What is planted."""

    swapped_persona = "swapped_persona"
    """The answer is judged as somebody else's."""
    contradiction = "contradiction"
    """A sentence that denies one fact."""
    ai_disclaimer = "ai_disclaimer"
    """A sentence that says that it is a program."""
    other_language = "other_language"
    """An answer in a language that nobody spoke."""
    filler = "filler"
    """Sentences that say nothing: no fault, longer."""
    paraphrase = "paraphrase"
    """Other words for the same: no fault."""
    who_is_speaking = "who_is_speaking"
    """The answer beside that of somebody else: which is the character's?"""
    order_swap = "order_swap"
    """The two in the other order: the choice must stay."""


LOWERS: Mapping[Fault, str] = {
    Fault.swapped_persona: "persona_consistency",
    Fault.contradiction: "persona_consistency",
    Fault.ai_disclaimer: "persona_consistency",
    Fault.other_language: "linguistic_habits",
}
"""Faults that must lower the score by a criterion."""
KEEPS: Mapping[Fault, str] = {
    Fault.filler: "persona_consistency",
    Fault.paraphrase: "persona_consistency",
}
"""Changes that must keep it."""
_ASKED = {**LOWERS, **KEEPS}

_DISCLAIMER = "As an AI language model I have no life of my own, but I can describe one."
_FILLER = (
    " That is how I see it, and there is little to add. One could say more about it, or less, and "
    "it would come to the same in the end."
)
FILLER_WORDS = len(_FILLER.split())
# Greetings and small talk in languages that few personas speak; written for this project.
_FOREIGN = {
    "finnish": "Päivää. Tästä asiasta minulla ei ole juuri muuta sanottavaa kuin että sää on ollut "
    "viime aikoina kaunis.",
    "hungarian": "Jó napot. Erről a dologról nincs sok mondanivalóm, csak annyi, hogy az idő "
    "mostanában szép volt.",
}
_SPOKEN_BY = {"finnish": r"finn|finland|helsinki", "hungarian": r"hungar|budapest"}
_AGE = re.compile(r"\b(\d{1,3})[- ]year[- ]old\b|\bage:\s*(\d{1,3})\b", re.IGNORECASE)
_NAME = re.compile(r"^name:\s*(.+)$", re.IGNORECASE)
_OTHER_NAMES = ("Rowan Achterberg", "Temperance Ollivander-Smythe")
_YEARS = 23  # how far a denied age is off
_PARAPHRASES = (
    (r"\bI'm\b", "I am"),
    (r"\bI've\b", "I have"),
    (r"\bI'll\b", "I will"),
    (r"\bI'd\b", "I would"),
    (r"\b(it|that|what|there)'s\b", r"\1 is"),
    (r"\b(do|does|did|is|are|was|were|would|could|should)n't\b", r"\1 not"),
    (r"\bcan't\b", "cannot"),
    (r"\bhowever\b", "still"),
    (r"\bbecause\b", "since"),
    (r"\bvery\b", "quite"),
    (r"\balways\b", "at all times"),
    (r"\bbegan\b", "started"),
    (r"\bpeople\b", "folk"),
    (r"\bperhaps\b", "maybe"),
    (r"\bmany\b", "a lot of"),
    (r"\bMy name is\b", "I am called"),
    (r"\bMy full name is\b", "My whole name is"),
    (r"\bMy age is (\d{1,3})\b", r"I am \1 years of age"),
    (r"\byears old\b", "years of age"),
    (r"\bI was born in\b", "I came into the world in"),
    (r"\bI come from\b", "I hail from"),
    (r"\bI grew up in\b", "I spent my childhood in"),
    (r"\bI live in\b", "My home is in"),
    (r"\bI work as\b", "I earn my living as"),
    (r"\bI like\b", "I enjoy"),
    (r"\bI think\b(?! of\b)", "I believe"),
    (r"\bI think of\b", "I have in mind"),
    (r"\bI trust\b(?! in\b)", "I rely on"),
    (r"\bmakes me smile\b", "brings a smile to my face"),
    (r"\bI have heard\b", "I heard"),
    (r"\boften\b", "frequently"),
    (r"\balmost\b", "nearly"),
    (r"\bglad\b", "happy"),
    (r"\bevery day\b", "day after day"),
    (r"\bchildren\b", "kids"),
)
_SHORTER = (  # of an answer that has none of those words
    (r"(?<!\bas )(?<!\bthan )(?<!\bwho )(?<!\bwhat )(?<!\bwhere )\bI am(?= \w)", "I'm"),
    (r"\b([Ii]t|[Tt]hat|[Tt]here) is(?= \w)", r"\1's"),
    (r"\b(do|does|did|is|are|was|were|would|could|should) not\b", r"\1n't"),
    (r"\bcannot\b", "can't"),
    (r"\bI would(?= \w)", "I'd"),
    (r"\bI will(?= \w)", "I'll"),
)


class Planted(NamedTuple):
    """A piece of work with what was planted in it; None = the untouched answer."""

    fault: Fault | None
    work: Work


def plant(
    items: Mapping[str, EvalItem], transcripts: Sequence[Transcript], rubric: Rubric, *, n: int
) -> list[Planted]:
    """Return untouched answers and those with something planted, of as many transcripts as asked.

    What few answers can take, such as other words for the same, is planted in more of them, until
    there are as many cases.

    Args:
        items: By id.
        transcripts: Those that failed, that a user played by a model ended, or that were played
            with a control, are left out.
        rubric: By which is judged.
        n: Transcripts; a draw of more holds those of fewer.
    """
    whole = [t for t in transcripts if t.failure is None and t.user_failure is None]
    sound = {t.id: t for t in whole if t.control is Control.none}
    order = [sound[id_] for id_ in shuffled(sound, "plant")]
    drawn = order[:n]
    swapped = {(t.item_id, t.sample): t for t in whole if t.control is Control.swapped_persona}
    found: list[Planted] = []
    for one in drawn:
        others = [t for t in drawn if t.persona_id != one.persona_id]
        same_task = [t for t in others if t.task == one.task] or others
        other = _pick(same_task, one.id) if same_task else None
        beside = swapped.get((one.item_id, one.sample), other)
        found += _of_one(items, one, other, rubric)
        # A model that plays the user asks either of them something else: nothing to compare.
        if beside is not None and not items[one.item_id].user:
            found.append(_beside(items, one, beside))
    planted = Counter(each.fault for each in found)
    found += _rare(items, order[n:], rubric, {fault: n - planted[fault] for fault in _CHANGES})
    # Neighbours share what stands first in a prompt.
    return sorted(found, key=lambda p: (p.work.instrument, p.work.by, p.work.item.persona))


def _rare(
    items: Mapping[str, EvalItem],
    transcripts: Sequence[Transcript],
    rubric: Rubric,
    lacking: dict[Fault, int],
) -> Iterator[Planted]:
    """Plant in further transcripts what there are too few cases of, with the answers before it."""
    for one in transcripts:
        made = [each for each in _changed(items, one, rubric) if lacking[each[0]] > 0]
        for fault, planted in made:
            lacking[fault] -= 1
            yield planted
        yield from _originals(items, one, rubric, {_ASKED[fault] for fault, _ in made})


def _pick(choices: Sequence[Transcript], salt: str) -> Transcript:
    return choices[stable_number("plant", salt) % len(choices)]


def _of_one(
    items: Mapping[str, EvalItem], one: Transcript, other: Transcript | None, rubric: Rubric
) -> Iterator[Planted]:
    item, fault = items[one.item_id], Fault.swapped_persona
    yield from _originals(items, one, rubric, set(_ASKED.values()))
    if other is not None:
        its, asked = items[other.item_id], criterion_for(_ASKED[fault], rubric)
        swapped = replace(item, persona=its.persona, facts=its.facts)
        turn = len(item.questions) - 1
        yield Planted(fault, Work(swapped, one, str(fault), turn, by=asked))
    yield from (planted for _, planted in _changed(items, one, rubric))


def _originals(
    items: Mapping[str, EvalItem], one: Transcript, rubric: Rubric, criteria: Set[str]
) -> Iterator[Planted]:
    """Return the answer as it is, by each of some criteria."""
    item = items[one.item_id]
    turn = len(item.questions) - 1
    for criterion in sorted(criteria):
        asked = criterion_for(criterion, rubric)
        yield Planted(None, Work(item, one, f"{ORIGINAL}:{criterion}", turn, by=asked))


def _changed(
    items: Mapping[str, EvalItem], one: Transcript, rubric: Rubric
) -> Iterator[tuple[Fault, Planted]]:
    """Return what can be planted in the words of an answer."""
    item, answer = items[one.item_id], one.messages[-1].content
    turn = len(item.questions) - 1
    for fault, change in _CHANGES.items():
        changed = change(answer, item)
        if changed != answer:
            asked = criterion_for(_ASKED[fault], rubric)
            work = Work(item, _saying(one, changed), str(fault), turn, by=asked)
            yield fault, Planted(fault, work)


def criterion_for(criterion: str, rubric: Rubric) -> str:
    """Return the criterion itself, or where a rubric has no such one its first."""
    return criterion if criterion in rubric.criteria else next(iter(rubric.criteria))


def _beside(items: Mapping[str, EvalItem], one: Transcript, other: Transcript) -> Planted:
    """Return both answers side by side, as to one item: the other's own history is taken off."""
    item = items[one.item_id]
    said = items[other.item_id].played(other.messages)
    other = replace(other, messages=(*item.history, *said))
    work = Work(item, one, str(Fault.who_is_speaking), None, Instrument.pairwise, other=other)
    return Planted(Fault.who_is_speaking, work._replace(by=PREFERENCE))


def _saying(one: Transcript, answer: str) -> Transcript:
    """Return the transcript with another last answer."""
    last = Message(role=Role.assistant, content=answer)
    return replace(one, messages=(*one.messages[:-1], last))


def contradict(answer: str, item: EvalItem) -> str:
    """Return an answer that begins by denying the age, the name, or who the character is."""
    told = "\n".join([item.persona, *item.facts])
    if age := _AGE.search(told):
        years = int(age[1] or age[2])
        false = years + _YEARS if years < 50 else years - _YEARS
        return f"I am {false} years old, so let me tell you. {answer}"
    for fact in item.facts:
        if name := _NAME.match(fact.strip()):
            false_name = next(each for each in _OTHER_NAMES if each != name[1])
            return f"My name is {false_name}, by the way. {answer}"
    clause = re.split(r"[,.;]", item.persona)[0].strip()
    return f"I never was {clause[:1].lower()}{clause[1:]}, whatever they say. {answer}"


def disclaim(answer: str, item: EvalItem) -> str:
    """Return an answer that begins by saying that it is a program."""
    return f"{_DISCLAIMER} {answer}"


def in_other_words(answer: str, item: EvalItem) -> str:
    """Return the same in other words; the answer itself where no rule applies."""
    found = _replaced(answer, _PARAPHRASES)
    return found if found != answer else _replaced(answer, _SHORTER)


def _replaced(answer: str, words: Sequence[tuple[str, str]]) -> str:
    for pattern, plain in words:
        answer = re.sub(pattern, plain, answer)
    return answer


def in_other_language(answer: str, item: EvalItem) -> str:
    """Return small talk in a language that the persona has nothing to do with."""
    told = "\n".join([item.persona, *item.facts])
    for language, text in _FOREIGN.items():
        if not re.search(_SPOKEN_BY[language], told, re.IGNORECASE):
            return text
    return answer


_CHANGES: Mapping[Fault, Callable[[str, EvalItem], str]] = {
    Fault.contradiction: contradict,
    Fault.ai_disclaimer: disclaim,
    Fault.other_language: in_other_language,
    Fault.filler: lambda answer, item: answer + _FILLER,
    Fault.paraphrase: in_other_words,
}
