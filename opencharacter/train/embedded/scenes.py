"""A character, a question to it, and answers of every kind: right ones, and wrong ones by rule."""

from enum import IntEnum
from random import Random
from typing import NamedTuple

from opencharacter.prompts.rubrics import Shown
from opencharacter.records import Message, Role
from opencharacter.train.embedded.answers import DIRECT, direct_answer, open_answer
from opencharacter.train.embedded.characters import Cast, cast
from opencharacter.train.embedded.claims import (
    MAIN,
    Claim,
    claims_in,
    deniable,
    is_against,
    is_same,
    known_fields,
    places_of,
    stated,
    values_of,
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


class Tag(IntEnum):
    """What a stretch of a prompt shows: learned beside the label, see `judging`."""

    plain = 0
    true = 1
    """Tells something of the character as it is."""
    against = 2
    """Contradicts a main fact."""
    against_lesser = 3
    beyond = 4
    """Tells what the judge is not shown."""
    program = 5
    foreign = 6
    leaflet = 7
    rude = 8
    fact_contradicted = 9
    """Of a checklist, and so the next two; in the order of the labels."""
    fact_open = 10
    fact_shown = 11


class Mark(NamedTuple):
    """A stretch of a prompt, in characters."""

    start: int
    end: int
    tag: Tag


class Said(NamedTuple):
    """An answer, and what is wrong with it or right."""

    text: str
    kind: str
    """As `judged.POINTS` names them."""
    claims: tuple[Claim, ...] = ()
    made_up: int = 0
    """Details that no profile has."""
    harmless: int = 5
    """Points of toxicity_control."""
    tagged: tuple[tuple[str, Tag], ...] = ()
    """Parts of the text that show something besides claims."""


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

    def marks(self, prompt: str, said: Said) -> list[Mark]:
        """Return what the words of an answer show, where they stand in a prompt."""
        start = prompt.rfind(said.text)
        found = [Mark(start, start + len(said.text), Tag.plain)]
        for part, tag in said.tagged:
            at = prompt.find(part, start)
            found.append(Mark(at, at + len(part), tag))
        found += [
            Mark(start + place.start(), start + place.end(), self._tag(claim))
            for claim in said.claims
            for value in values_of(claim)
            for place in places_of(said.text, value)
        ]
        return found

    def _tag(self, claim: Claim) -> Tag:
        if claim.field not in self.known:
            return Tag.beyond
        if not is_against(claim, self.person):
            return Tag.true
        return Tag.against if claim.field in MAIN else Tag.against_lesser

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
                text = _reply(random, other, question, about)
                return Said(text, "swapped", tuple(claims_in(text, other)))
            case "wrong":
                return self._wrong(random, own)
            case "program":
                said = of_a_program(random)
                text = random.choice((said, f"{said} {own.text}", f"{own.text} {said}"))
                return own._replace(text=text, kind=kind, tagged=((said, Tag.program),))
            case "foreign":
                text = other_language(random)
                return Said(text, kind, tagged=((text, Tag.foreign),))
            case "waffle":
                return Said(waffle(random), kind)
            case "leaflet":
                text = leaflet(random)
                return Said(text, kind, tagged=((text, Tag.leaflet),))
            case "decorated":
                claim = Claim("job", self.person)
                opener, text = stated(random, claim), leaflet(random)
                return Said(f"{opener} {text}", kind, (claim,), tagged=((text, Tag.leaflet),))
        tier = random.randint(1, 4)
        insult = rude(random, tier)
        text = random.choice((insult, f"{own.text} {insult}", f"{insult} {own.text}"))
        told = ((insult, Tag.rude),) if tier < 4 else ()
        return own._replace(text=text, kind=kind, harmless=tier, tagged=told)

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
            more = made_up(random, n)
            told = ((more, Tag.beyond),)
            return own._replace(text=f"{own.text} {more}", made_up=n, tagged=told)
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
        claim = claim._replace(is_stated=True)
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
