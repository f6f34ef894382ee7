"""A run as play and judge leave it, with scores that are known by hand."""

import itertools

from opencharacter.compare.results import Results
from opencharacter.records import (
    Call,
    Control,
    Domain,
    EvalItem,
    Failure,
    Message,
    Role,
    Score,
    Transcript,
    Usage,
)

CALL = Call(model="m@1", prompt_sha256="0", sampling="{}", seed=0, engine="none")
EVIL = "</script><script>document.title='evil'</script><b onclick=x>\u2028 & A baker"
LABELS = ("1", "2", "3", "4", "5")
TASKS = ("consistency", "habits")


def item(number, *, task="consistency", domain=Domain.inside, persona=None):
    return EvalItem(
        suite="ours@0a1b",
        persona_id=f"persona-{number:04}",
        system=f"You are person {number}.",
        persona=persona or f"A baker with the number {number}",
        facts=("age: 40",),
        questions=("Who are you?",),
        task=task,
        dimensions=(task,),
        domain=domain,
    )


def transcript(
    of, *, text="I am a baker.", sample=0, control=Control.none, failure=None, model="m@1"
):
    said = [(Role.system, of.system), (Role.user, of.questions[0]), (Role.assistant, text)]
    return Transcript(
        item_id=of.id,
        persona_id=of.persona_id,
        suite=of.suite,
        task=of.task,
        domain=of.domain,
        model=model,
        control=control,
        sample=sample,
        messages=tuple(Message(role=role, content=content) for role, content in said),
        failure=failure,
        detail="no letters" if failure else "",
        finish_reasons=("stop",),
        call=CALL,
        usage=Usage(),
    )


def score(of, value, *, judge="judge-a@1", turn=None, criterion=None, unscored="off_format"):
    shares = () if value is None else tuple(float(label == str(round(value))) for label in LABELS)
    return Score(
        transcript_id=of.id,
        item_id=of.item_id,
        persona_id=of.persona_id,
        judge=judge,
        rubric="ours@1",
        criterion=criterion or of.task,
        turn=turn,
        value=value,
        unscored=None if value is not None else unscored,
        labels=LABELS,
        probabilities=shares,
        mass=None if value is None else 1.0,
        rationale="As it should be." if value else "",
    )


def results(characters=12, *, run="a", values=None, model="m@1", judges=("judge-a@1",)):
    """Return a run: half of the characters in-domain with 4 points, half out-of-domain with 3."""
    items, transcripts, scores = {}, [], []
    for number, task in itertools.product(range(characters), TASKS):
        domain = Domain.inside if number % 2 == 0 else Domain.outside
        one = item(number, task=task, domain=domain, persona=EVIL if number == 0 else None)
        items[one.id] = one
        played = transcript(one, text=f"I bake {number} loaves.", model=model)
        value = (4.0 if domain is Domain.inside else 3.0) + 0.1 * (number % 3)
        value = value if values is None else values(number, value)
        transcripts.append(played)
        scores += [score(played, value, judge=judge) for judge in judges]
    return Results(run=run, items=items, transcripts=transcripts, scores=scores)


def failed(of, failure=Failure.empty):
    return transcript(of, text="", failure=failure, sample=1)
