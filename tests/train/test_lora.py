"""Adapters: merged in float32, compared, and written with the name of their base."""

import json

import pytest
import torch
from peft import AutoPeftModelForCausalLM
from safetensors.torch import load_file

from opencharacter.config import LoraConfig
from opencharacter.errors import TrainingError
from opencharacter.train.lora import add_adapters, check_alike, merge_adapters
from opencharacter.train.saving import save_adapters
from tests.train.models import tiny_model

IDS = list(range(1, 40))


def adapted(dtype=torch.float32, *, rank=4, targets=("all-linear",)):
    """Return a tiny model with adapters that change what it says."""
    model = add_adapters(
        tiny_model().to(dtype), LoraConfig(rank=rank, alpha=2.0 * rank, targets=[*targets]), []
    )
    torch.manual_seed(1)
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.2)
    return model


def logits(model, ids=IDS):
    with torch.no_grad():
        return model.eval()(input_ids=torch.tensor([ids])).logits[0].float()


def test_a_merged_model_says_what_the_adapters_said():
    model = adapted()
    base, expected = logits(tiny_model()), logits(model)
    found = logits(merge_adapters(model, torch.float32, IDS))

    assert (found - expected).abs().max() < 1e-5
    assert (found - base).norm() > 0.1 * base.norm()


def test_a_merge_in_bfloat16_rounds_the_float32_sum_once():
    model = adapted(torch.bfloat16)
    layer = model.base_model.model.model.layers[0].self_attn.q_proj
    exact = layer.base_layer.weight.float() + layer.scaling["default"] * (
        layer.lora_B["default"].weight.float() @ layer.lora_A["default"].weight.float()
    )
    merged = merge_adapters(model, torch.bfloat16, IDS)

    assert torch.equal(merged.model.layers[0].self_attn.q_proj.weight, exact.to(torch.bfloat16))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_lost_adapters_are_told_and_rounding_is_not(dtype):
    expected, base = logits(adapted(dtype)), logits(tiny_model().to(dtype))
    merged = logits(merge_adapters(adapted(dtype), dtype, IDS))

    assert check_alike(expected, merged, base, dtype) < (1e-6 if dtype == torch.float32 else 0.02)
    with pytest.raises(TrainingError, match="logits differ from those with adapters"):
        check_alike(expected, base, base, dtype)
    with pytest.raises(TrainingError, match="differ from those with adapters by nan"):
        check_alike(expected, merged * torch.nan, base, dtype)


def test_rounding_of_a_deep_model_is_no_mistake_where_the_adapters_change_more():
    base, expected = torch.zeros(2, 3), torch.tensor([[1.0, -1.0, 0.0], [2.0, 0.0, -2.0]])
    noisy = expected + torch.tensor([0.2, 0.0, -0.2])

    assert 0.05 < check_alike(expected, noisy, base, torch.bfloat16) < 0.25
    with pytest.raises(TrainingError, match="the adapters change 0"):
        check_alike(expected, noisy, expected, torch.bfloat16)


def test_adapters_go_back_onto_their_base(tmp_path):
    base, folder = tmp_path / "base", tmp_path / "adapters"
    tiny_model().save_pretrained(base)
    model = adapted(targets=("q_proj", "v_proj"))
    save_adapters(model, folder, base=str(base), revision="abc")
    again = AutoPeftModelForCausalLM.from_pretrained(folder, revision=None)

    asked = json.loads((folder / "adapter_config.json").read_text())
    assert (asked["base_model_name_or_path"], asked["revision"]) == (str(base), "abc")
    assert len(load_file(folder / "adapter_model.safetensors")) == 2 * 2 * 2
    assert torch.equal(logits(again), logits(model))
