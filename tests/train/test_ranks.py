"""Ranks begin, decide and end together; each of these is two processes."""

import pytest

from opencharacter.train.ranks import Ranks, together
from tests.train import acting
from tests.train.starting import start_ranks


@pytest.fixture
def act(tmp_path):
    """Return a function that does something on two ranks, and returns how they ended."""
    return lambda what: start_ranks(2, tmp_path, acting.act, what).end()


def spoken(ended):
    """Return the lines that are ours: gloo may complain in its own words."""
    lines = ended.err.splitlines()
    return [line for line in lines if line.startswith(("error:", "stopped:", "Traceback"))]


def test_alone_everything_is_decided_at_once():
    with together() as ranks:
        assert ranks.is_first
        assert ranks.decide(7) == 7
        assert (ranks.any(True), ranks.any(False)) == (True, False)


def test_a_group_of_one_can_be_had_twice():
    for _ in range(2):
        with together(needs_group=True) as ranks:
            assert (ranks.rank, ranks.world_size) == (0, 1)


def test_rank_0_decides_and_a_flag_of_one_is_a_flag_of_all(act):
    first, second = act(acting.agree)

    assert (first.status, second.status) == (0, 0), second.err
    assert first.out == second.out == "on True False\n"


@pytest.mark.parametrize(
    ("what", "message"),
    [
        (acting.refuse, "error: it was started otherwise"),
        (acting.break_down, "error: the disk is full"),
    ],
)
def test_an_error_on_one_rank_ends_all_with_one_message(act, what, message):
    ended = act(what)

    assert [each.status for each in ended] == [2, 2]
    assert [line for each in ended for line in spoken(each)] == [message]


def test_a_rank_that_hears_no_exception_is_ended_too(act):
    first, second = act(acting.be_deaf)

    assert (first.status, second.status) == (2, 2)
    assert spoken(first) + spoken(second) == ["error: the disk is full"]


def test_when_a_rank_is_killed_the_others_end_and_say_so(act):
    first, second = act(acting.die)

    assert (first.status, second.status) == (2, -9)
    assert "another rank ended without a word" in spoken(first)[0]


@pytest.mark.parametrize(
    ("what", "message"),
    [
        (acting.stop, "stopped: step 5 of 10 is saved"),
        (acting.stop_one, "stopped: SIGTERM was sent"),
    ],
)
def test_only_rank_0_ends_with_the_status_of_a_stop(act, what, message):
    """SLURM kills the other tasks when one ends with another status than 0."""
    first, second = act(what)

    assert (first.status, second.status) == (85, 0)
    assert (spoken(first), spoken(second)) == ([message], [])


def test_a_single_rank_knows_itself():
    assert (Ranks().rank, Ranks().world_size, Ranks().failure()) == (0, 1, None)
