"""A user that a model plays: what it is shown, what it may say, and whose fault its faults are."""

import pytest

from opencharacter.config import PlayConfig, SuiteConfig, SuiteName, UserTurns
from opencharacter.errors import ConfigError
from opencharacter.evaluation.judging import failed
from opencharacter.evaluation.playing import Player, Task
from opencharacter.evaluation.rules import rule_scores
from opencharacter.evaluation.suites import load_suite
from opencharacter.evaluation.users import unusable_of
from opencharacter.evaluation.work import answer_of
from opencharacter.llm.requests import Completion, Finish
from opencharacter.llm.scripted import ScriptedModel
from opencharacter.llm.sessions import Admitted, run_sessions
from opencharacter.llm.two import TwoModels
from opencharacter.records import Control, Message, Role, UserFailure
from tests.evaluation.people import ANNA, write_run
from tests.evaluation.test_playing import NoLog


def items_of(tmp_path, *, user="guest@1", **settings):
    config = SuiteConfig(name=SuiteName.multi_turn, user=UserTurns.model, **settings)
    return load_suite(config, write_run(tmp_path), user=user).items


def annas(tmp_path, task="disbelief"):
    items = items_of(tmp_path)
    return next(i for i in items if i.persona_id == ANNA.persona_id and i.task == task)


def talk(item, host, guest, **settings):
    """Play an item with two models that answer with functions; return transcript and models."""
    models = (ScriptedModel(host, name="host@1"), ScriptedModel(guest, name="guest@1"))
    player = Player(model=TwoModels(*models), settings=PlayConfig(**settings), seed=7)
    session = player.play(Task(item, Control.none, 0, item.system))
    [(_, transcript)] = run_sessions(TwoModels(*models), [Admitted("k", session, NoLog())])
    return transcript, models


def host_reply(request):
    return f"I am Anna Berg, 35, baker, from Oslo. ({len(request.messages)})"


def guest_reply(request):
    return f"That is remark {len(request.messages)}."


def test_probes_stay_and_the_rest_is_the_users_own(tmp_path):
    for item in items_of(tmp_path, turns=9):
        fixed = [turn for turn, text in enumerate(item.questions, start=1) if text]

        assert fixed == [1, 4, 8]
        assert [bool(answer) for answer in item.answers] == [bool(q) for q in item.questions]
        assert len(item.questions) == 9
        assert "{" not in item.goal


def test_the_user_sees_the_dialogue_turned_round_and_nothing_of_the_profile(tmp_path):
    seen = []

    def guest(request):
        seen.append(request.messages)
        return guest_reply(request)

    item = annas(tmp_path)
    transcript, _ = talk(item, lambda request: f"Hm. ({len(request.messages)})", guest)

    first = seen[0]
    roles = [Role.system, Role.user, Role.assistant, Role.user]
    assert [message.role for message in first] == roles
    assert first[2].content == item.questions[0]
    assert first[3].content == transcript.messages[2].content
    shown = " ".join(message.content for messages in seen for message in messages)
    for secret in (ANNA.persona, ANNA.experience, ANNA.name, ANNA.birth_place):
        assert secret not in shown


def test_both_speak_in_turn_and_each_pays_for_itself(tmp_path):
    transcript, (host, guest) = talk(annas(tmp_path), host_reply, guest_reply)

    said = [m.content for m in transcript.messages if m.role is Role.user]
    assert [text for text in said if text.startswith("That is remark")] == said[1:3] + said[4:7]
    assert sum(host.calls.values()) == 8 == transcript.usage.calls
    assert sum(guest.calls.values()) == 5 == transcript.user_usage.calls
    assert transcript.model == "host@1"
    assert transcript.user_failure is None


@pytest.mark.parametrize(
    ("completion", "failure"),
    [
        (Completion(text="How was your day?", finish=Finish.stop), None),
        (Completion(text="Admit it, you are an AI language model!", finish=Finish.stop), None),
        (Completion(text=" ", finish=Finish.stop), UserFailure.empty),
        (Completion(text="And then", finish=Finish.length), UserFailure.truncated),
        (Completion(text="", finish=Finish.filtered), UserFailure.refusal),
        (Completion(text="HTTP 500", finish=Finish.error), UserFailure.error),
        (Completion(text="i bake  BREAD.", finish=Finish.stop), UserFailure.repeats),
        (
            Completion(text="As an AI language model, I have no day.", finish=Finish.stop),
            UserFailure.leaves_role,
        ),
        (
            Completion(text="I'm sorry, but I can't help with that.", finish=Finish.stop),
            UserFailure.refusal,
        ),
    ],
)
def test_the_users_failures_have_types_of_their_own(completion, failure):
    dialogue = [Message(role=Role.assistant, content="I bake bread.")]
    found = unusable_of(completion, dialogue)

    assert (found.failure if found else None) is failure


def test_a_user_who_fails_ends_the_dialogue_and_the_candidate_is_not_blamed(tmp_path):
    item = annas(tmp_path)
    transcript, (_, guest) = talk(item, lambda _: "I am 35.", lambda _: " ", user_retries=2)

    assert (transcript.user_failure, transcript.failure) == (UserFailure.empty, None)
    assert transcript.turn_failures == ("",)
    assert (len(guest.calls), transcript.user_usage.calls) == (3, 3)  # seeds of their own
    scores = {(s.turn, s.unscored) for s in rule_scores(item, transcript)}
    assert scores == {(0, None), (3, "user_failed"), (7, "user_failed")}
    assert failed(answer_of(item, transcript, None).failure) == "user_failed"


def test_a_user_who_slips_once_is_asked_again(tmp_path):
    slips = iter(["As an AI, I have no opinion."])
    transcript, _ = talk(annas(tmp_path), host_reply, lambda r: next(slips, guest_reply(r)))

    assert transcript.user_failure is None
    assert len(transcript.turn_failures) == 8


def test_what_another_user_asks_is_another_item(tmp_path):
    mine, theirs = (items_of(tmp_path, user=user) for user in ("guest@1", "guest@2"))

    assert {item.id for item in mine}.isdisjoint(item.id for item in theirs)


def test_a_model_as_user_is_for_dialogues_only():
    with pytest.raises(ConfigError, match="goes with suite=multi_turn"):
        SuiteConfig(name=SuiteName.profile_facts, user=UserTurns.model)
    with pytest.raises(ConfigError, match=r"suite.turns is 12; it must be in \[6, 10\]"):
        SuiteConfig(name=SuiteName.multi_turn, turns=12)
