import json
from collections import Counter

import pytest

from opencharacter.config import Backend, ModelConfig
from opencharacter.evaluation.verdicts import points_schema
from opencharacter.llm.requests import Completion, Finish, Request, Sampling
from opencharacter.llm.scripted import ScriptedModel, open_scripted, scripted_reply
from opencharacter.prompts.fact_check import fact_check_prompt, fact_check_schema
from opencharacter.prompts.profile import profile_prompt, profile_schema
from opencharacter.prompts.rewrite import dialogue_json, rewrite_schema
from opencharacter.records import Message, Role
from tests.checks.people import KEEPER

SAMPLING = Sampling(temperature=0, top_p=1, max_tokens=9)
PERSONA = 'A beekeeper from Malta who says "bzz" # Persona'


def ask(text, *, seed=0, schema=None):
    messages = (Message(role=Role.user, content=text),)
    return Request(messages=messages, sampling=SAMPLING, seed=seed, schema=schema)


def profile_of(persona, seed=0):
    prompt = profile_prompt(persona, name_hints=["Ada Byron"])
    return json.loads(scripted_reply(ask(prompt, seed=seed, schema=profile_schema())))


def collected(model):
    batches = []
    while batch := model.collect():
        batches.append(batch)
    return batches


def test_every_ticket_comes_back_once_and_not_in_the_order_of_asking():
    model = ScriptedModel(lambda request: request.messages[0].content)
    for ticket in range(20):
        model.submit(ticket, ask(str(ticket)))
    results = [result for batch in collected(model) for result in batch]

    assert {ticket: completion.text for ticket, completion in results} == {
        ticket: str(ticket) for ticket in range(20)
    }
    assert [ticket for ticket, _ in results] != list(range(20))


def test_some_requests_stay_in_flight_while_others_are_answered():
    model = ScriptedModel(lambda _: "yes")
    for ticket in range(8):
        model.submit(ticket, ask(str(ticket)))

    assert [len(batch) for batch in collected(model)] == [4, 2, 1, 1]


def test_the_order_hangs_on_the_requests_alone():
    texts = [str(number) for number in range(30)]
    orders = []
    for asked in (texts, texts[::-1]):
        model = ScriptedModel(lambda request: request.messages[0].content)
        for ticket, text in enumerate(asked):
            model.submit(ticket, ask(text))
        orders.append([completion.text for _, completion in model.collect()])

    assert orders[0] == orders[1]


def test_tokens_are_words():
    model = ScriptedModel(lambda _: "one two three")
    model.submit(5, ask("four words are here"))
    [(_, completion)] = model.collect()

    assert completion == Completion(
        text="one two three", finish=Finish.stop, prompt_tokens=4, output_tokens=3
    )


def test_a_reply_may_be_a_whole_completion():
    cut = Completion(text="one", finish=Finish.length)
    model = ScriptedModel(lambda _: cut)
    model.submit(0, ask("Go on."))

    assert model.collect() == [(0, cut)]


def test_calls_are_counted_by_request():
    model = ScriptedModel(lambda _: "yes", name="m@1")
    for ticket, text in enumerate(["a", "b", "a"]):
        model.submit(ticket, ask(text))

    assert model.calls == Counter({ask("a").key("m@1"): 2, ask("b").key("m@1"): 1})


def test_closing_drops_what_is_in_flight():
    model = ScriptedModel(lambda _: "yes")
    model.submit(0, ask("a"))
    model.close()

    assert model.collect() == []


def test_the_default_profile_has_the_eight_fields_within_the_schema():
    schema = profile_schema()["properties"]
    fields = profile_of(PERSONA)

    assert list(fields) == list(schema)
    assert 1 <= fields.pop("age") <= 999
    assert all(1 <= len(text) <= schema[field]["maxLength"] for field, text in fields.items())


def test_the_default_profile_carries_the_persona():
    assert PERSONA in profile_of(PERSONA)["experience"]


@pytest.mark.parametrize("persona", ["x" * 1_000_000, '"}{\\', "\ud800"])
def test_an_odd_persona_still_gets_a_profile_that_fits(persona):
    assert len(profile_of(persona)["experience"]) <= 2000


def test_names_of_different_personas_rarely_agree():
    names = Counter(profile_of(f"Baker number {number}")["name"] for number in range(500))

    assert names.most_common(1)[0][1] <= 8


def test_another_seed_gives_another_profile_and_the_same_seed_the_same():
    assert profile_of(PERSONA, seed=1) == profile_of(PERSONA, seed=1)
    assert profile_of(PERSONA, seed=1) != profile_of(PERSONA, seed=2)


def test_the_default_rewrite_keeps_questions_and_reference_answers():
    questions, answers = ["Hi\n# Dialogue\n", "2+2?"], ["Hello.", "4, as ever."]
    prompt = (
        f"# Character Profile\nName: Ada\nAge: 3\n\n# Dialogue\n{dialogue_json(questions, answers)}"
    )
    reply = scripted_reply(ask(prompt, schema=rewrite_schema(questions)))
    turns = json.loads(reply)["dialogue"]

    assert [turn["user"] for turn in turns] == questions
    assert [turn["assistant"] for turn in turns] == [
        "Ada would put it so: Hello.",
        "Ada would put it so: 4, as ever.",
    ]


def test_verdicts_are_mostly_empty_and_otherwise_quote_what_is_there_or_is_not():
    found = []
    for n in range(200):
        prompt = fact_check_prompt(KEEPER, ["Who?"], [f"I am number {n} of all."])
        reply = json.loads(scripted_reply(ask(prompt, schema=fact_check_schema())))
        found += [(one["said"], one["fact"], n) for one in reply["contradictions"]]

    real = [(said, n) for said, _, n in found if said == f"I am number {n}"]
    assert {fact for _, fact, _ in found} == {"Nikos Pappas"}
    assert 15 <= len(real) <= 55
    assert 15 <= len(found) - len(real) <= 55


def test_without_a_schema_the_reply_names_words_of_the_last_question():
    reply = scripted_reply(ask("Why does bread rise, and when?"))

    assert reply.startswith("You speak of does, bread, rise, when; ")


def test_opened_from_a_configuration_it_keeps_as_many_in_flight_as_an_engine_would():
    model = open_scripted(ModelConfig(backend=Backend.scripted, model="dry", seats=8))

    assert (model.name, model.window) == ("dry@scripted", 10)


@pytest.mark.parametrize("scale", [[1, 2, 3, 4, 5], [1, 2]])
def test_a_verdict_in_json_is_on_the_scale_that_is_asked_for(scale):
    schema = points_schema(tuple(map(str, scale)))
    said = [json.loads(scripted_reply(ask(f"Judge {n}.", schema=schema))) for n in range(30)]

    assert {each["points"] for each in said} == set(scale)
