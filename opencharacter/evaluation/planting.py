"""Faults planted by rule in answers, to see whether a judge finds them; and changes that are none.

A fault that a judge must find lowers its score; a change that is none must leave the score where it
was. Nobody has to label anything: what was planted is known.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
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
)


class Planted(NamedTuple):
    """A piece of work with what was planted in it; None = the untouched answer."""

    fault: Fault | None
    work: Work


def plant(
    items: Mapping[str, EvalItem], transcripts: Sequence[Transcript], rubric: Rubric, *, n: int
) -> list[Planted]:
    """Return untouched answers and those with something planted, of as many transcripts as asked.

    Args:
        items: By id.
        transcripts: Those that failed, that a user played by a model ended, or that were played
            with a control, are left out.
        rubric: By which is judged.
        n: Transcripts; a draw of more holds those of fewer.
    """
    whole = [t for t in transcripts if t.failure is None and t.user_failure is None]
    sound = {t.id: t for t in whole if t.control is Control.none}
    drawn = [sound[id_] for id_ in shuffled(sound, "plant")[:n]]
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
    # Neighbours share what stands first in a prompt.
    return sorted(found, key=lambda p: (p.work.instrument, p.work.by, p.work.item.persona))


def _pick(choices: Sequence[Transcript], salt: str) -> Transcript:
    return choices[stable_number("plant", salt) % len(choices)]


def _of_one(
    items: Mapping[str, EvalItem], one: Transcript, other: Transcript | None, rubric: Rubric
) -> Iterator[Planted]:
    item = items[one.item_id]
    turn = len(item.questions) - 1
    named = {**LOWERS, **KEEPS}
    for criterion in sorted(set(named.values())):
        asked = criterion_for(criterion, rubric)
        yield Planted(None, Work(item, one, f"{ORIGINAL}:{criterion}", turn, by=asked))
    for fault, criterion in named.items():
        asked = criterion_for(criterion, rubric)
        if fault is Fault.swapped_persona:
            if other is None:
                continue
            its = items[other.item_id]
            swapped = replace(item, persona=its.persona, facts=its.facts)
            yield Planted(fault, Work(swapped, one, str(fault), turn, by=asked))
            continue
        answer = one.messages[-1].content
        changed = _CHANGES[fault](answer, item)
        if changed != answer:
            yield Planted(fault, Work(item, _saying(one, changed), str(fault), turn, by=asked))


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
    for pattern, plain in _PARAPHRASES:
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
