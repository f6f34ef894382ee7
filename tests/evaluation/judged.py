"""Items and transcripts for tests of judges."""

from opencharacter.records import (
    Call,
    Control,
    Domain,
    EvalItem,
    Message,
    Role,
    Transcript,
    Usage,
)

CALL = Call(model="m@1", prompt_sha256="0" * 64, sampling="{}", seed=0, engine="none")
PERSONA = "A baker from Oslo, who rows on Sundays and fears dogs"
FACTS = (
    "Name: Ida Vik",
    "Age: 41",
    "Experience: She learned to bake in her aunt's shop in Bergen. At thirty she opened her own.",
)


def item(questions=("Who are you?",), *, facts=FACTS, persona=PERSONA, **given):
    return EvalItem(
        **{
            "suite": "tests@1",
            "persona_id": "persona-0123456789ab0123456789ab",
            "system": f"Be: {persona}",
            "persona": persona,
            "facts": facts,
            "questions": tuple(questions),
            "task": "persona_consistency",
            "dimensions": ("persona_consistency",),
            "domain": Domain.unknown,
            **given,
        }
    )


def transcript(of, *answers, failures=(), sample=0, model="m@1", control=Control.none):
    spoken = [Message(role=Role.system, content=of.system), *of.history]
    for question, answer in zip(of.questions, answers, strict=False):
        spoken += [
            Message(role=Role.user, content=question),
            Message(role=Role.assistant, content=answer),
        ]
    return Transcript(
        item_id=of.id,
        persona_id=of.persona_id,
        suite=of.suite,
        task=of.task,
        domain=of.domain,
        model=model,
        control=control,
        sample=sample,
        messages=tuple(spoken),
        failure=next((f for f in failures if f), None),
        turn_failures=tuple(failures) or ("",) * len(answers),
        finish_reasons=("stop",) * len(answers),
        call=CALL,
        usage=Usage(),
    )
