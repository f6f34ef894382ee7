"""A dialogue of two models whose process is killed in the middle of it."""

import json
import signal
import time
from collections import Counter

import pytest

from opencharacter.records import Role, Transcript
from opencharacter.store.rows import read_records
from tests.servers import serving

SEATS = 2


@pytest.fixture
def talk(opencharacter, settings):
    """Return a server that plays both sides, and the words of a play that asks it."""
    settings |= {"personas.n": "8", "synth.methods": "[generate]", "synth.mix": "true"}
    assert opencharacter("stage=synth").returncode == 0
    with serving(delay_s=0.05) as server:
        address = server.teacher[1].partition("=")[2]
        models = [
            word
            for role, name in (("player", "crow"), ("user", "guest"))
            for word in (
                f"llm@{role}=endpoint",
                f"{role}.base_url={address}",
                f"{role}.model={name}",
                f"{role}.seats={SEATS}",
            )
        ]
        words = ("stage=play", "suite=multi_turn", "suite.user=model", "suite.n=3", "suite.items=2")
        yield server, (*words, *models)


def test_a_dialogue_of_two_models_goes_on_in_the_middle_and_its_books_close(
    talk, opencharacter, start_process, tmp_path
):
    server, words = talk
    process = start_process(*words)
    while len(server.heard) < 20 and process.poll() is None:
        time.sleep(0.01)
    process.kill()
    _, complaint = process.communicate()
    assert process.returncode == -signal.SIGKILL, complaint
    server.delay_s = 0.0
    done = opencharacter(*words)

    assert done.returncode == 0, done.stderr
    play = tmp_path / "runs" / "t" / "play"
    transcripts = list(read_records(play / "data", Transcript))
    counts = json.loads((play / "manifest.json").read_text())
    assert counts["counts"]["in"] == counts["counts"]["out"] == len(transcripts) == 3 * 2
    said = Counter(m.role for t in transcripts for m in t.messages)
    by = Counter(name for name, _ in {(n, r.key(n)) for n, r in server.heard})
    assert by["crow"] == said[Role.assistant] == said[Role.user]
    assert by["guest"] == sum(t.user_usage.calls for t in transcripts)
    assert counts["usage"]["calls"] == by.total()
    # What the killed process had in flight was asked again; nothing else was.
    assert len(server.heard) - by.total() <= 2 * 2 * SEATS
