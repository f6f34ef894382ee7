import pytest

from opencharacter.config import TrainConfig, Tuning
from opencharacter.errors import ConfigError
from opencharacter.train.zero import deepspeed_settings


def test_without_deepspeed_there_are_no_settings():
    assert deepspeed_settings(TrainConfig()) is None


@pytest.mark.parametrize(("name", "stage"), [("zero2", 2), ("zero3", 3)])
def test_what_the_trainer_knows_is_left_to_it(name, stage):
    settings = deepspeed_settings(TrainConfig(deepspeed=name))

    assert settings["zero_optimization"]["stage"] == stage
    for known in ("train_micro_batch_size_per_gpu", "gradient_accumulation_steps"):
        assert settings[known] == "auto"


def test_offload_moves_states_and_with_zero3_weights():
    two, three = (
        deepspeed_settings(TrainConfig(deepspeed=name, offload=True))["zero_optimization"]
        for name in ("zero2", "zero3")
    )

    assert two["offload_optimizer"]["device"] == three["offload_optimizer"]["device"] == "cpu"
    assert "offload_param" not in two
    assert three["offload_param"]["device"] == "cpu"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"deepspeed": "zero1"}, "deepspeed is 'zero1'; choose"),
        ({"offload": True}, "there is none; add deepspeed=zero2"),
        ({"deepspeed": "zero3", "tuning": Tuning.lora}, "use deepspeed=zero2"),
    ],
)
def test_a_mistake_is_told(settings, message):
    with pytest.raises(ConfigError, match=message):
        TrainConfig(**settings)
