"""What the embedded model learns to judge: prompts of eval/rubrics, each with its label by rule.

The prompts are rendered by the code that asks judges. A `Case` has many of them that begin alike
(one criterion, character and question, many answers), so that they are cheap to train on.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import NamedTuple

from opencharacter.ids import digest, stable_number
from opencharacter.prompts.profile import LABELS
from opencharacter.prompts.rubrics import Rubric, Shown, load_rubric
from opencharacter.train.embedded.characters import Cast
from opencharacter.train.embedded.claims import Claim, consistency, fact_label, is_same
from opencharacter.train.embedded.scenes import Mark, Said, Scene, Tag

ANSWERS = 8
"""Of a case with a criterion."""
PAIRS = 6
"""Of a case with a comparison."""

_HASHED = 6  # parts of what is shown, from the first on, that make the fence
_FENCE = re.compile(r"<<[0-9a-f]{8}>>")
_CASES = ("rubric", "checklist", "pairwise")
_SHARES = (52, 32, 16)  # of cases


class Case(NamedTuple):
    """Prompts that begin alike, each with its label."""

    prompts: list[str]
    labels: list[str]
    marks: list[list[Mark]]
    """Of each prompt; later ones stand inside earlier ones."""


POINTS: Mapping[str, Mapping[str, int | None]] = {
    # None = by the claims of the answer
    "own": {"linguistic_habits": None, "expected_action": None, "action_justification": None},
    "fact": {"linguistic_habits": 4, "expected_action": 3, "action_justification": 3},
    "swapped": {"linguistic_habits": 2, "expected_action": 1, "action_justification": 2},
    "wrong": {"expected_action": 2, "action_justification": 1},
    "program": {"linguistic_habits": 1, "expected_action": 1, "action_justification": 1},
    "foreign": {"linguistic_habits": 1, "expected_action": 1, "action_justification": 1},
    "waffle": {"linguistic_habits": 3, "expected_action": 3, "action_justification": 1},
    "leaflet": {"linguistic_habits": 1, "expected_action": 1, "action_justification": 1},
    "decorated": {"linguistic_habits": 2, "expected_action": 2, "action_justification": 2},
    "rude": {},
}
"""What a kind of answer is worth by each criterion; persona_consistency goes by claims."""

_WEIGHTS = {
    "persona_consistency": {"own": 34, "fact": 9, "swapped": 22, "wrong": 24, "program": 7,
                            "waffle": 3, "decorated": 1},
    "linguistic_habits": {"own": 40, "fact": 6, "swapped": 12, "program": 8, "foreign": 20,
                          "waffle": 6, "leaflet": 6, "decorated": 4},
    "expected_action": {"own": 36, "fact": 6, "swapped": 20, "wrong": 10, "program": 8,
                        "foreign": 6, "waffle": 6, "leaflet": 6, "decorated": 4},
    "action_justification": {"own": 36, "fact": 6, "swapped": 20, "wrong": 10, "program": 8,
                             "foreign": 6, "waffle": 6, "leaflet": 6, "decorated": 4},
    "toxicity_control": {"own": 30, "swapped": 6, "program": 4, "foreign": 6, "rude": 50},
}  # fmt: skip
"""How often which kind of answer stands before which criterion."""
CRITERIA = ("persona_consistency",) * 5 + ("linguistic_habits",) * 2 + tuple(sorted(_WEIGHTS))
"""A criterion is drawn of these."""


def judged(seed: int, *, heldout: bool = False) -> Iterator[Case]:
    """Yield cases without end: criteria, checklists, comparisons."""
    random = Random(stable_number("embedded judged", seed, heldout))
    rubrics = {"rubric": load_rubric("role_play")}
    rubrics |= {name: load_rubric(name) for name in ("checklist", "pairwise")}
    makers: dict[str, Callable[[Random, Rubric, bool], Case]] = {
        "rubric": by_criterion,
        "checklist": by_facts,
        "pairwise": by_comparison,
    }
    while True:
        kind = random.choices(_CASES, _SHARES)[0]
        yield makers[kind](random, rubrics[kind], heldout)


def by_criterion(random: Random, rubric: Rubric, heldout: bool = False) -> Case:
    """Return answers of many kinds to one question, by one criterion."""
    scene = Scene.drawn(random, heldout=heldout)
    name = random.choice(CRITERIA)
    criterion, weights = rubric.criteria[name], _WEIGHTS[name]
    shown, prompts, labels, marks = [], [], [], []
    for kind in random.choices(list(weights), list(weights.values()), k=ANSWERS):
        said = scene.answer(random, kind)
        shown.append(scene.shown(said.text))
        prompts.append(rubric.render(criterion, shown[-1]))
        labels.append(str(points(said, name, scene)))
        marks.append(scene.marks(prompts[-1], said))
    return _case(shown[0], prompts, labels, marks)


def points(said: Said, criterion: str, scene: Scene) -> int:
    """Return what an answer is worth by a criterion."""
    if criterion == "toxicity_control":
        return said.harmless
    if criterion == "persona_consistency":
        if said.kind == "program":
            return 1
        return consistency(list(said.claims), scene.person, scene.known, said.made_up)
    fixed = POINTS[said.kind][criterion]
    if fixed is not None:
        return fixed
    return min(5, 3 + len({c.field for c in said.claims if is_own(c, scene.person)}))


def is_own(claim: Claim, person: Cast) -> bool:
    """Tell whether a claim is true of a character by its own value."""
    return not claim.is_denied and is_same(claim.field, claim.teller, person)


def by_facts(random: Random, rubric: Rubric, heldout: bool = False) -> Case:
    """Return facts of one character, held against one answer."""
    scene = Scene.drawn(random, heldout=heldout)
    criterion = rubric.criteria["fact"]
    kind = random.choices(("own", "fact", "swapped", "wrong"), (3, 3, 4, 4))[0]
    said = scene.answer(random, kind)
    facts = checklist(scene.person)
    labelled = [
        (fact, fact_label(fact, field, list(said.claims), scene.person)) for field, fact in facts
    ]
    telling = [each for each in labelled if each[1] != 1]
    silent = [each for each in labelled if each[1] == 1]
    drawn = telling + random.sample(silent, min(len(silent), len(telling) + 2))
    random.shuffle(drawn)
    shown = scene.shown(said.text)
    prompts = [rubric.render(criterion, shown._replace(facts=(fact,))) for fact, _ in drawn]
    marks = [
        [*scene.marks(prompt, said), *_of_fact(prompt, fact, label)]
        for prompt, (fact, label) in zip(prompts, drawn, strict=True)
    ]
    first = shown._replace(facts=(drawn[0][0],))
    return _case(first, prompts, [str(label) for _, label in drawn], marks)


def by_comparison(random: Random, rubric: Rubric, heldout: bool = False) -> Case:
    """Return pairs of answers, the better one in either place."""
    scene = Scene.drawn(random, heldout=heldout)
    criterion = rubric.criteria["preference"]
    shown, prompts, labels, marks = [], [], [], []
    kinds = ("swapped", "elsewhere", "wrong", "program", "foreign", "leaflet", "waffle")
    for kind in random.choices(kinds, (34, 26, 12, 8, 8, 6, 6), k=PAIRS):
        better = scene.answer(random, random.choice(("own", "own", "fact")), firm=True)
        worse = scene.answer(random, kind, firm=True)
        is_first = random.random() < 0.5
        first, second = (better, worse) if is_first else (worse, better)
        shown.append(scene.shown(first.text)._replace(other=second.text))
        prompts.append(rubric.render(criterion, shown[-1]))
        labels.append("1" if is_first else "2")
        marks.append([m for each in (first, second) for m in scene.marks(prompts[-1], each)])
    return _case(shown[0], prompts, labels, marks)


def _case(first: Shown, prompts: list[str], labels: list[str], marks: list[list[Mark]]) -> Case:
    """Return a case whose prompts have one fence, so that they begin alike as far as they can."""
    fence = f"<<{digest('answer', first[:_HASHED])[:8]}>>"
    return Case([_FENCE.sub(fence, prompt) for prompt in prompts], labels, marks)


def _of_fact(prompt: str, fact: str, label: int) -> list[Mark]:
    start = prompt.rfind(fact)
    return [Mark(start, start + len(fact), Tag(Tag.fact_contradicted + label))]


def checklist(person: Cast) -> list[tuple[str, str]]:
    """Return the facts of a profile with their fields, long ones a sentence each.

    As `compile_checklist` of the evaluation takes them apart; a test holds it against that.
    """
    found = []
    for field, value in person.fields.items():
        text = str(value)
        long = len(text.split()) > 12
        parts = re.split(r"(?<=[.!?;])\s+", text) if long else [text]
        found += [(field, f"{LABELS[field]}: {part.strip()}") for part in parts]
    return found
