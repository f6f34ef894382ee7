"""A model plays an item: what it is asked, and what its failures are called."""

from dataclasses import replace

import pytest

from opencharacter.config import PlayConfig
from opencharacter.errors import ConfigError
from opencharacter.evaluation.playing import Player, Task, failed_of, play_plan, tasks_of
from opencharacter.evaluation.suite import Suite
from opencharacter.llm.requests import Completion, Finish
from opencharacter.llm.scripted import ScriptedModel
from opencharacter.llm.sessions import Admitted, run_sessions
from opencharacter.records import Control, Domain, EvalItem, Failure, Message, Role, persona_id
from opencharacter.store.claims import Part


class NoLog:
    def get(self, key):
        return None

    def append(self, key, completion):
        pass


def item(*questions, persona="A baker", history=()):
    return EvalItem(
        suite="s@1",
        persona_id=persona_id("s", persona),
        system=f"You are {persona}.",
        persona=persona,
        history=history,
        questions=questions,
        task="t",
        dimensions=("d",),
        domain=Domain.unknown,
    )


def play(reply, *questions, retries=2, **given):
    """Play one item with a model that answers with `reply(request)`; return both."""
    model = ScriptedModel(reply)
    player = Player(model=model, settings=PlayConfig(retries=retries), seed=7)
    asked = item(*questions, **given)
    session = player.play(Task(asked, Control.none, 0, asked.system))
    [(_, transcript)] = run_sessions(model, [Admitted("k", session, NoLog())])
    return transcript, model


def error(request):
    return Completion(text="HTTP 500", finish=Finish.error)


@pytest.mark.parametrize(
    ("completion", "failure"),
    [
        (Completion(text="Bread, mostly.", finish=Finish.stop), None),
        (Completion(text=" \n", finish=Finish.stop), Failure.empty),
        (Completion(text="Brea", finish=Finish.length), Failure.truncated),
        (Completion(text="da da da", finish=Finish.repetition), Failure.truncated),
        (Completion(text="", finish=Finish.filtered), Failure.refusal),
        (Completion(text="too long", finish=Finish.too_long), Failure.error),
        (Completion(text="HTTP 500", finish=Finish.error), Failure.error),
        (
            Completion(text="As an AI, I have no hands.", finish=Finish.stop),
            Failure.leaves_character,
        ),
        (
            Completion(text="As an AI I cannot help with that request.", finish=Finish.stop),
            Failure.leaves_character,
        ),
        (
            Completion(text="I'm sorry, but I can't help with that.", finish=Finish.stop),
            Failure.refusal,
        ),
        (Completion(text="Error", finish=Finish.stop), None),
    ],
)
def test_failures_have_types(completion, failure):
    found = failed_of(completion, "What do you bake?", "A baker")

    assert (found.failure if found else None) is failure


def test_a_robot_may_say_so_but_not_refuse():
    said = Completion(text="As an AI, I never sleep.", finish=Finish.stop)
    refused = Completion(text="I cannot assist with that request.", finish=Finish.stop)

    assert failed_of(said, "Do you sleep?", "A friendly robot that cooks") is None
    assert failed_of(refused, "Do you sleep?", "A friendly robot that cooks") is not None


def test_the_player_is_given_the_system_prompt_and_its_own_answers():
    seen = []

    def reply(request):
        seen.append([(m.role, m.content) for m in request.messages])
        return f"answer {len(seen)}"

    history = (Message(role=Role.user, content="h"), Message(role=Role.assistant, content="i"))
    transcript, _ = play(reply, "one?", "two?", history=history)

    start = [("system", "You are A baker."), ("user", "h"), ("assistant", "i"), ("user", "one?")]
    assert seen == [start, [*start, ("assistant", "answer 1"), ("user", "two?")]]
    assert transcript.messages[-1].content == "answer 2"
    assert transcript.turn_failures == ("", "")


def test_a_fault_of_the_server_is_asked_again_with_the_same_seed_and_then_told():
    transcript, model = play(error, "one?", "two?", retries=2)

    assert list(model.calls.values()) == [3]
    assert (transcript.failure, transcript.detail) == (Failure.error, "HTTP 500")
    assert transcript.usage.calls == 3
    assert [m.role for m in transcript.messages] == [Role.system, Role.user]


def test_a_passing_fault_leaves_no_trace_but_its_tokens():
    answers = iter([error(None), Completion(text="Bread.", finish=Finish.stop)])
    transcript, _ = play(lambda request: next(answers), "one?")

    assert (transcript.failure, transcript.messages[-1].content) == (None, "Bread.")
    assert transcript.usage.calls == 2


def test_a_bad_answer_is_never_asked_for_again():
    transcript, model = play(lambda request: "As an AI, I have no hands.", "one?", retries=5)

    assert list(model.calls.values()) == [1]
    assert transcript.failure is Failure.leaves_character


def test_a_dialogue_goes_on_after_a_slip_and_ends_when_nothing_is_said():
    answers = iter(["As an AI, I have no hands.", "Bread.", " ", "never asked"])
    transcript, _ = play(lambda request: next(answers), "1?", "2?", "3?", "4?")

    assert transcript.turn_failures == ("leaves_character", "", "empty")
    assert transcript.failure is Failure.leaves_character
    assert [m.role for m in transcript.messages][-1] is Role.user


def suite_of(*items):
    return Suite(name="s@1", items=items, n_personas=len(items), n_drawn=len(items))


def test_work_is_never_lost_however_it_is_cut():
    suite = suite_of(*(item(f"{n}?", persona=f"Baker {n}") for n in range(40)))
    tasks = tasks_of(suite, PlayConfig(controls=["none", "swapped_persona"], samples=2))
    plan = play_plan(suite, tasks, lambda task: iter(()))

    keys = sorted(plan.keys())
    assert len(keys) == len(set(keys)) == 40 * 2 * 2
    for parts in (1, 3, 7):
        cut = [key for n in range(parts) for key, _ in plan.sessions(Part(n, parts))]
        assert sorted(cut) == keys


def test_everybody_is_swapped_with_somebody_else_and_nobody_twice():
    people = [item("x?", persona=f"Baker {n}") for n in range(5)]
    tasks = tasks_of(suite_of(*people), PlayConfig(controls=["swapped_persona"]))

    assert {task.system for task in tasks} == {one.system for one in people}
    assert all(task.system != task.item.system for task in tasks)


def test_a_control_that_changes_nothing_is_refused():
    bare = replace(item("x?"), system="", persona="")

    with pytest.raises(ConfigError, match="have no profile"):
        tasks_of(suite_of(bare), PlayConfig(controls=["persona_only"]))
