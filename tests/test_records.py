from dataclasses import asdict

from opencharacter.records import (
    Call,
    Message,
    Method,
    MixtureRow,
    Rejection,
    Response,
    Role,
    Usage,
    to_row,
)

CALL = Call(model="m@1", prompt_sha256="0", sampling="{}", seed=3, engine="e")
SAID = (Message(role=Role.user, content="Hello"), Message(role=Role.assistant, content="Hi"))
RESPONSE = Response(
    character_id="character-1",
    instruction_id="instruction-1",
    method=Method.generate,
    source="test",
    draw=1,
    licence="none",
    messages=SAID,
    finish_reasons=("stop", "stop"),
    call=CALL,
    usage=Usage(prompt_tokens=5, calls=1),
)


def test_a_row_is_what_asdict_returns():
    refused = Rejection(key="k", reason="r", detail="d", origin="o", excerpt="e")
    row = MixtureRow(
        response_id="r",
        character_id="c",
        instruction_id="i",
        persona_id="p",
        render_version="v",
        messages=SAID,
        source="s",
        method=Method.rewrite,
        draw=0,
        weight=0.5,
        licence="none",
    )

    assert [to_row(each) for each in (RESPONSE, refused, row)] == [
        asdict(each) for each in (RESPONSE, refused, row)
    ]


def test_an_id_does_not_depend_on_the_usage():
    again = {**asdict(RESPONSE), "usage": Usage(), "call": CALL, "messages": SAID}
    del again["id"]

    assert Response(**again).id == RESPONSE.id
