"""A training begins with a model that is there, or says what is missing before anything else."""

import json
import shutil

import pytest

from opencharacter.config import LoraConfig, Objective, TrainConfig
from opencharacter.errors import ConfigError, ModelError
from opencharacter.llm.opening import EMBEDDED_BASE
from opencharacter.train.base import base_path, check_base
from opencharacter.train.lora import add_adapters, check_targets
from opencharacter.train.models import model_outline
from tests.train.models import tiny_model


@pytest.fixture
def folder(tmp_path):
    """A copy of the embedded base."""
    made = tmp_path / "model"
    shutil.copytree(base_path(TrainConfig(model=EMBEDDED_BASE)), made)
    return made


def refused(model):
    with pytest.raises(ModelError) as told:
        check_base(TrainConfig(model=str(model)))
    return str(told.value)


def cut_up(folder, pieces):
    """Write an index over two pieces, of which only some are there."""
    (folder / "model.safetensors").unlink()
    index = {"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    for piece in pieces:
        (folder / piece).touch()


def test_a_whole_model_passes_and_of_the_hub_nothing_is_asked(folder):
    check_base(TrainConfig(model=str(folder)))
    check_base(TrainConfig(model="nobody/nothing"))
    cut_up(folder, ["model-1.safetensors", "model-2.safetensors"])
    check_base(TrainConfig(model=str(folder)))


def test_a_name_with_two_slashes_is_a_folder_and_no_hub_id():
    assert refused("runs/main/model").startswith("there is no folder runs/main/model")


def test_what_a_folder_lacks_is_told_with_where_it_may_be(folder):
    assert f"has no config.json; did you mean {folder}?" in refused(folder.parent)
    cut_up(folder, ["model-1.safetensors"])
    assert "lacks 1 of 2 pieces" in refused(folder)
    assert "such as model-2.safetensors" in refused(folder)
    (folder / "model.safetensors.index.json").write_text("{")
    assert "model.safetensors.index.json is broken" in refused(folder)
    (folder / "model.safetensors.index.json").unlink()
    assert "has no weights" in refused(folder)
    (folder / "config.json").rename(folder / "adapter_config.json")
    assert "it holds adapters alone" in refused(folder)


def test_a_model_is_outlined_without_its_weights(folder):
    (folder / "model.safetensors").write_bytes(b"")
    outline = model_outline(TrainConfig(model=str(folder)))

    assert {weight.device.type for weight in outline.parameters()} == {"meta"}
    assert outline.num_parameters() == 4_327_680
    assert model_outline(TrainConfig(model="nobody/nothing")) is None


def test_known_models_are_outlined_without_the_hub():
    large = model_outline(TrainConfig(model="meta-llama/Meta-Llama-3-8B"))
    pairs = TrainConfig(model="google-t5/t5-small", objective=Objective.seq2seq, packing=False)

    assert large.num_parameters() == 8_030_261_248  # as its card says: 8.03B
    check_targets(model_outline(pairs), ["q", "wi"])
    with pytest.raises(ModelError, match=r"set train\.objective=seq2seq"):
        model_outline(TrainConfig(model="google-t5/t5-small"))


@pytest.mark.parametrize("targets", [["all-linear"], ["q_proj"], ["self_attn.q_proj", "lm_head"]])
def test_names_and_ends_of_names_are_targets(targets):
    check_targets(tiny_model(), targets)


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        (["q_proj", "v_prj"], r"names 'v_prj' \(did you mean 'v_proj'\?\)"),
        (["all-linear", "q_proj"], r"or \[all-linear\] alone"),
        (["self_attn"], "valid: down_proj, embed_tokens, gate_proj, k_proj"),
        (["proj"], "names 'proj'"),
    ],
)
def test_every_target_must_be_one_and_peft_is_not_left_to_pass_over_it(targets, message):
    with pytest.raises(ConfigError, match=message):
        add_adapters(tiny_model(), LoraConfig(targets=targets), [])
