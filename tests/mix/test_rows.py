"""The system prompt of each row is drawn by its hash."""

from collections import Counter

import pytest

from opencharacter.config import MixConfig
from opencharacter.errors import ConfigError
from opencharacter.mix.rows import prompts
from opencharacter.prompts.character import Shown

IDS = [f"response-{i}" for i in range(4000)]


def drawn(seed=0, **settings):
    of = prompts(MixConfig(**settings), seed).of
    return {id_: of(id_) for id_ in IDS}


def test_one_system_prompt_is_everybodys():
    assert set(drawn(system_prompt="profile").values()) == {Shown.profile}


def test_several_are_drawn_as_often_as_they_weigh():
    counts = Counter(drawn(system_prompts={"persona": 1, "both": 3}).values())

    # 4,000 draws of 0.25: 1,000 and a standard deviation of 27.
    assert counts[Shown.persona] == pytest.approx(1000, abs=110)
    assert counts[Shown.persona] + counts[Shown.both] == 4000


def test_a_weight_of_0_is_never_drawn():
    assert set(drawn(system_prompts={"persona": 0, "profile": 0.1, "both": 0}).values()) == {
        Shown.profile
    }


def test_the_draw_hangs_on_seed_and_row_and_not_on_the_order_of_the_weights():
    one = drawn(system_prompts={"persona": 1, "both": 1})

    assert one == drawn(system_prompts={"both": 1, "persona": 1})
    assert one != drawn(1, system_prompts={"both": 1, "persona": 1})


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"name": 1.0}, "mix.system_prompt is 'name'; choose persona, profile or both"),
        ({"both": 0.0}, "mix.system_prompts weigh 0.0; each must be >= 0 and one above"),
        ({"both": 2.0, "persona": -1.0}, "mix.system_prompts weigh 2.0, -1.0"),
    ],
)
def test_weights_that_mean_nothing_are_refused(given, message):
    with pytest.raises(ConfigError, match=message):
        MixConfig(system_prompts=given)
