"""One session of a stage, on the scripted model."""

from opencharacter.config import SamplingConfig
from opencharacter.llm.scripted import ScriptedModel
from opencharacter.llm.sessions import Admitted, run_sessions
from opencharacter.synth.asking import Asker


class Log(dict):
    def append(self, key, completion):
        self[key] = completion


def asker(sampling=None):
    """Return who asks once, on behalf of `record`."""
    return Asker(
        key="work",
        record_id="record",
        stage="generate",
        seed=0,
        sampling=sampling or SamplingConfig(),
        retries=0,
        model="m@1",
        engine="e",
    )


def result_of(session, reply):
    """Return what a session ends in when every request is answered with `reply`."""
    [(_, result)] = run_sessions(ScriptedModel(lambda _: reply), [Admitted(None, session, Log())])
    return result
