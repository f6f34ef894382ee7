"""Models of a command: which are open at a time."""

import weakref

from opencharacter.config import Backend, Config, ModelConfig
from opencharacter.job import Job
from tests.llm.test_scripted import ask


def scripted(name):
    return ModelConfig(backend=Backend.scripted, model=name)


def job(tmp_path):
    return Job(Config(runs_dir=str(tmp_path)), command="python -m opencharacter stage=judge")


def test_who_judges_is_opened_alone_when_something_is_asked(tmp_path):
    with job(tmp_path) as run:
        player = weakref.ref(run.model(scripted("player")))
        judge = run.unopened(scripted("judge"))
        assert player() is not None

        judge.submit(1, ask("Judge this."))
        assert player() is None
        assert len(judge.collect()) == 1


def test_a_model_that_judges_itself_stays_open_with_whom_it_talked_to(tmp_path):
    with job(tmp_path) as run:
        player, user = run.model(scripted("player")), run.model(scripted("user"))
        run.unopened(scripted("player")).submit(1, ask("Judge this."))

        assert len(player.collect()) == 1
        assert run.model(scripted("user")) is user
