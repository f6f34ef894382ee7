"""Names and values of TRL's arguments are checked before a model is opened."""

from dataclasses import fields

import pytest

from opencharacter.config import Schedule, TrainConfig
from opencharacter.errors import ConfigError
from opencharacter.train import arguments
from opencharacter.train.arguments import argument_names, check_names, sft_arguments
from opencharacter.train.batches import Batches, derive_batches

torch = pytest.importorskip("torch")
trl = pytest.importorskip("trl")
transformers = pytest.importorskip("transformers")


def test_names_read_off_the_sources_are_those_of_the_class():
    assert argument_names() == {field.name for field in fields(trl.SFTConfig)}


def test_a_mistyped_name_is_told_with_what_was_meant():
    with pytest.raises(ConfigError, match=r"train.sft.weigth_decay .*did you mean 'weight_decay'"):
        check_names({"weigth_decay": 0.1})


def test_a_mistyped_name_of_ours_is_told_where_it_is_set():
    with pytest.raises(ConfigError, match=r"mean 'learning_rate'\?: set train.learning_rate"):
        check_names({"lerning_rate": 0.1})


@pytest.mark.parametrize("name", ["save_total_limit", "weight_decay", "tf32"])
def test_a_word_where_trl_takes_a_number_is_told(name):
    with pytest.raises(ConfigError, match=f"train.sft.{name} is 'abc'; TRL takes (int|float|bool)"):
        check_names({name: "abc"})


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("max_steps", "set train.epochs"),
        ("gradient_accumulation_steps", "it follows from train.global_tokens"),
        ("report_to", "set tracking=wandb"),
        ("logging_nan_inf_filter", "must be seen"),
        ("deepspeed", "set deepspeed="),
        ("save_only_model", "goes on with its optimizer's states"),
        ("average_tokens_across_devices", "counts the same on every rank"),
        ("use_cpu", "hide it with CUDA_VISIBLE_DEVICES="),
    ],
)
def test_what_we_set_is_refused_with_the_setting_that_does(name, told):
    with pytest.raises(ConfigError, match=told):
        check_names({name: 1})


def test_one_checkpoint_alone_is_refused():
    with pytest.raises(ConfigError, match="removed while the next one is being written"):
        check_names({"save_total_limit": 1})


def test_all_that_we_refuse_are_arguments_of_trl():
    assert arguments._OURS.keys() <= argument_names()


def test_what_is_given_by_name_wins():
    made = sft_arguments(TrainConfig(sft={"weight_decay": 0.1}), Batches(1, 64, 1), seed=0)

    assert made["weight_decay"] == 0.1


@pytest.mark.parametrize(
    ("schedule", "last"),
    [(Schedule.cosine, 1e-6), (Schedule.linear, 1e-6), (Schedule.constant, 1e-5)],
)
def test_the_learning_rate_ends_where_it_is_told_to(schedule, last):
    config = TrainConfig(schedule=schedule, learning_rate=1e-5, final_rate=0.1, warmup=0.03)
    made = sft_arguments(config, Batches(1, 64, 1), seed=0)
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1e-5)
    scheduler = transformers.get_scheduler(
        made["lr_scheduler_type"],
        optimizer,
        num_warmup_steps=3,
        num_training_steps=100,
        scheduler_specific_kwargs=made.get("lr_scheduler_kwargs"),
    )
    for _ in range(100):
        optimizer.step()
        scheduler.step()

    assert scheduler.get_last_lr()[0] == pytest.approx(last)


def test_a_batch_is_derived_from_tokens():
    config = TrainConfig(max_length=1024, device_tokens=2048, global_tokens=32768)

    assert derive_batches(config, 4) == Batches(device_rows=2, accumulation=4, world_size=4)


def test_a_batch_that_does_not_divide_names_sizes_that_would():
    config = TrainConfig(max_length=1024, device_tokens=2048, global_tokens=20000)

    with pytest.raises(ConfigError, match="set it to 16,384 or 24,576"):
        derive_batches(config, 4)


def test_a_batch_that_is_too_small_names_the_smallest_that_would_do():
    config = TrainConfig(max_length=1024, device_tokens=1024, global_tokens=2048)

    with pytest.raises(ConfigError, match="set it to 3,072, or"):
        derive_batches(config, 3)
