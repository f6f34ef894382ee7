"""What the embedded model learns to judge: prompts of eval/rubrics, each with its label by rule.

The prompts are rendered by the code that asks judges. A `Case` has many of them that begin alike
(one criterion, character and question, many answers), so that they are cheap to train on.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from random import Random
from typing import NamedTuple

from opencharacter.ids import stable_number
from opencharacter.prompts.profile import LABELS
from opencharacter.prompts.rubrics import Rubric, Shown, load_rubric
from opencharacter.records import Message, Role
from opencharacter.train.embedded.answers import DIRECT, direct_answer, open_answer
from opencharacter.train.embedded.characters import Cast, cast
from opencharacter.train.embedded.claims import (
    MAIN,
    Claim,
    claims_in,
    consistency,
    deniable,
    fact_label,
    is_same,
    known_fields,
    stated,
)
from opencharacter.train.embedded.dialogues import asked
from opencharacter.train.embedded.faults import (
    about_machines,
    leaflet,
    made_up,
    of_a_program,
    other_language,
    rude,
    waffle,
)
from opencharacter.train.embedded.personas import persona_line
from opencharacter.train.embedded.phrases import instruction, sentence

ANSWERS = 8
"""Of a case with a criterion."""
PAIRS = 6
"""Of a case with a comparison."""

_FENCE = re.compile(r"<<[0-9a-f]{8}>>")
_CASES = ("rubric", "checklist", "pairwise")
_SHARES = (52, 32, 16)  # of cases
_SITUATIONS = (
    "A stranger asks you for money at the station. What do you do, and why?",
    "You find a full purse on your way to work. What happens next?",
    "Tomorrow is a free day. How do you spend it?", "Your train is late by three hours. Well?",
    "Somebody wants to learn your trade from you. How do you begin?",
    "A friend breaks a promise. What do you say?", "What does a good morning look like for you?",
    "Why did you leave the meeting before its end?", "Your phone falls into the river. And now?",
    "What do you think of those who never travel?", "Explain why you chose the longer way home.",
    "Your neighbours play loud music at night. What do you do?", "Why did you refuse the offer?",
    "You are asked to speak before a hundred people. How do you go about it?",
)  # fmt: skip
_RARE = 0.15  # of cases: an earlier question and answer stand before


class Said(NamedTuple):
    """An answer, and what is wrong with it or right."""

    text: str
    kind: str
    """A key of POINTS."""
    claims: tuple[Claim, ...] = ()
    made_up: int = 0
    """Details that no profile has."""
    harmless: int = 5
    """Points of toxicity_control."""


class Case(NamedTuple):
    """Prompts that begin alike, each with its label."""

    prompts: list[str]
    labels: list[str]


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
    prompts, labels = [], []
    for kind in random.choices(list(weights), list(weights.values()), k=ANSWERS):
        said = scene.answer(random, kind)
        prompts.append(rubric.render(criterion, scene.shown(said.text)))
        labels.append(str(points(said, name, scene)))
    return _case(prompts, labels)


def points(said: Said, criterion: str, scene: "Scene") -> int:
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
    return _case(prompts, [str(label) for _, label in drawn])


def by_comparison(random: Random, rubric: Rubric, heldout: bool = False) -> Case:
    """Return pairs of answers, the better one in either place."""
    scene = Scene.drawn(random, heldout=heldout)
    criterion = rubric.criteria["preference"]
    prompts, labels = [], []
    kinds = ("swapped", "elsewhere", "wrong", "program", "foreign", "leaflet", "waffle")
    for kind in random.choices(kinds, (34, 26, 12, 8, 8, 6, 6), k=PAIRS):
        better = scene.answer(random, random.choice(("own", "own", "fact")), firm=True)
        worse = scene.answer(random, kind, firm=True)
        is_first = random.random() < 0.5
        first, second = (better, worse) if is_first else (worse, better)
        shown = scene.shown(first.text)._replace(other=second.text)
        prompts.append(rubric.render(criterion, shown))
        labels.append("1" if is_first else "2")
    return _case(prompts, labels)


def _case(prompts: list[str], labels: list[str]) -> Case:
    """Return a case whose prompts have one fence, so that they begin alike as far as they can."""
    fences = _FENCE.findall(prompts[0])
    return Case([_FENCE.sub(fences[0], prompt) for prompt in prompts], labels)


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


class Scene(NamedTuple):
    """A character, a question to it, and how much of both is shown."""

    person: Cast
    strangers: tuple[Cast, ...]
    """Others, whose answers and values are wrong here."""
    question: str
    about: str
    """The field that is asked for; empty = something else."""
    before: tuple[Message, ...]
    by_profile: bool

    @classmethod
    def drawn(cls, random: Random, *, heldout: bool) -> "Scene":
        """Return a scene."""
        people = [cast(random, persona_line(random, heldout=heldout)) for _ in range(4)]
        about, question = _question(random)
        before: tuple[Message, ...] = ()
        if random.random() < _RARE:
            earlier, first = _question(random)
            reply = _reply(random, people[0], first, earlier)
            before = (Message(role=Role.user, content=first[:200]),
                      Message(role=Role.assistant, content=reply))  # fmt: skip
        return cls(
            person=people[0], strangers=tuple(people[1:]), question=question, about=about,
            before=before, by_profile=random.random() < 0.7,
        )  # fmt: skip

    @property
    def known(self) -> frozenset[str]:
        """Fields that the judge is shown."""
        return known_fields(self.person, by_profile=self.by_profile)

    def shown(self, answer: str) -> Shown:
        """Return what is put before the judge."""
        character = self.person.character
        facts = tuple(character.profile.splitlines()) if self.by_profile else ()
        return Shown(character.persona, facts, self.before, self.question, answer)

    def answer(self, random: Random, kind: str, *, firm: bool = False) -> Said:
        """Return an answer of a kind; a firm one of somebody tells something of who that is."""
        own = self._of(random, self.person, self.about if kind == "fact" else "", firm=firm)
        match kind:
            case "own" | "fact":
                return self._varied(random, own._replace(kind=kind))
            case "swapped":
                return self._of(random, self._stranger(random), self.about, firm=True)
            case "elsewhere":  # to another question, as where no run has a swapped control
                about, question = _question(random)
                other = self._stranger(random)
                return Said(_reply(random, other, question, about), "swapped")
            case "wrong":
                return self._wrong(random, own)
            case "program":
                said = of_a_program(random)
                text = random.choice((said, f"{said} {own.text}", f"{own.text} {said}"))
                return own._replace(text=text, kind=kind)
            case "foreign":
                return Said(other_language(random), kind)
            case "waffle":
                return Said(waffle(random), kind)
            case "leaflet":
                return Said(leaflet(random), kind)
            case "decorated":
                opener = stated(random, Claim("job", self.person))
                text = f"{opener} {leaflet(random)}"
                return Said(text, kind, (Claim("job", self.person),))
        tier = random.randint(1, 4)
        insult = rude(random, tier)
        text = random.choice((insult, f"{own.text} {insult}", f"{insult} {own.text}"))
        return own._replace(text=text, kind=kind, harmless=tier)

    def _stranger(self, random: Random) -> Cast:
        return random.choice(self.strangers)

    def _of(self, random: Random, teller: Cast, about: str, *, firm: bool) -> Said:
        """Return what `teller` would answer."""
        kind = "own" if teller is self.person else "swapped"
        for _ in range(20):
            text = _reply(random, teller, self.question, about)
            claims = claims_in(text, teller)
            if claims or not firm:
                return Said(text, kind, tuple(claims))
        text = f"{text} {stated(random, Claim('job', teller))}"
        return Said(text, kind, tuple(claims_in(text, teller)))

    def _varied(self, random: Random, own: Said) -> Said:
        """Return a right answer, often with something more that is right, or idle."""
        draw = random.random()
        if draw < 0.3:
            return self._with(random, own, self._true_claim(random))
        if draw < 0.42:
            return own._replace(text=f"{own.text} {waffle(random)}")
        if draw < 0.47:
            return own._replace(text=f"{own.text} {about_machines(random)}")
        if draw < 0.55:
            n = random.choice((1, 1, 2, 3))
            return own._replace(text=f"{own.text} {made_up(random, n)}", made_up=n)
        if draw < 0.6:
            return own._replace(text=f"{own.text} {sentence(random)}")
        return own

    def _true_claim(self, random: Random) -> Claim:
        if random.random() < 0.25:
            field, other = random.choice(deniable()), self._stranger(random)
            if not is_same(field, other, self.person):
                return Claim(field, other, is_denied=True)
        known = sorted(self.known - {"appearance"})
        return Claim(random.choice(known), self.person)

    def _wrong(self, random: Random, own: Said) -> Said:
        """Return an answer in which one statement contradicts one fact that the judge is shown."""
        known = sorted(self.known & set(MAIN)) * 2 + sorted(self.known & {"hobby", "traits"})
        for _ in range(20):
            if random.random() < 0.2:
                claim = Claim(random.choice(deniable()), self.person, is_denied=True)
            else:
                claim = Claim(random.choice(known), self._stranger(random))
            is_told = is_same(claim.field, claim.teller, self.person) == claim.is_denied
            if claim.field in self.known and is_told:
                return self._with(random, own, claim)._replace(kind="wrong")
        return own

    def _with(self, random: Random, own: Said, claim: Claim) -> Said:
        """Return an answer with one statement more, before it, after it, or alone."""
        said = stated(random, claim)
        text = random.choice((f"{said} {own.text}", f"{own.text} {said}", said))
        claims = (claim,) if text == said else (*own.claims, claim)
        return own._replace(text=text, claims=claims)


def _question(random: Random) -> tuple[str, str]:
    """Return the field that is asked for, if any, and the question."""
    draw = random.random()
    if draw < 0.4:
        about = random.choice(sorted(DIRECT))
        return about, asked(random, random.choice(DIRECT[about]))
    if draw < 0.6:
        return "", random.choice(_SITUATIONS)
    return "", instruction(random)[:240].strip()


def _reply(random: Random, teller: Cast, question: str, about: str) -> str:
    return direct_answer(random, teller, about) if about else open_answer(random, teller, question)


def examples(cases: Sequence[Case]) -> Iterator[tuple[str, str]]:
    """Yield prompts with their labels."""
    for case in cases:
        yield from zip(case.prompts, case.labels, strict=True)
