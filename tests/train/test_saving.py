"""A model on disk is the one in memory, whole, or not there at all."""

import json
import resource
import shutil
import signal
import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from opencharacter.errors import StoreError, TrainingError
from opencharacter.train.generation import mend_generation, stop_tokens
from opencharacter.train.readback import (
    check_stops,
    check_structure,
    check_tensors,
    check_tokenizer,
)
from opencharacter.train.saving import require_room, save_model, whole_folder
from tests.train.models import tiny_model
from tests.train.rows import tokenizer

STOPS = [4, 1]


def saved(folder, model=None, *, dtype=torch.bfloat16):
    model = model or tiny_model()
    save_model(model, tokenizer(), folder, dtype=dtype, stop_ids=STOPS)
    return model


def change(path, how):
    """Change the tensors of a file."""
    found = load_file(path)
    how(found)
    save_file(found, path, metadata={"format": "pt"})


def test_what_is_written_opens_and_says_the_same(tmp_path):
    model = saved(tmp_path / "model")
    again = AutoModelForCausalLM.from_pretrained(tmp_path / "model")
    ids = torch.tensor([[1, 2, 3]])

    assert again.dtype == torch.bfloat16
    assert torch.equal(again(ids).logits, model(ids).logits)
    assert again.generation_config.eos_token_id == STOPS
    assert len({path.stat().st_mode for path in (tmp_path / "model").iterdir()}) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_tied_weights_are_written_once_and_found_twice(tmp_path):
    model = saved(tmp_path / "model", tiny_model(is_tied=True))
    names = load_file(tmp_path / "model" / "model.safetensors").keys()
    tied = dict(model.all_tied_weights_keys)

    assert "lm_head.weight" not in names
    assert (
        check_tensors(model.state_dict().items(), tmp_path / "model", tied=tied) == len(names) + 1
    )


def test_shards_are_read_back_by_their_index(tmp_path):
    model = tiny_model()
    model.save_pretrained(tmp_path, max_shard_size="20KB")
    assert len(list(tmp_path.glob("model-*.safetensors"))) > 2
    assert check_tensors(model.state_dict().items(), tmp_path) == len(model.state_dict())

    index = tmp_path / "model.safetensors.index.json"
    told = json.loads(index.read_text())
    told["weight_map"]["model.norm.weight"] = told["weight_map"]["model.embed_tokens.weight"]
    index.write_text(json.dumps(told))
    with pytest.raises(TrainingError, match="not in the shard that the index names"):
        check_tensors(model.state_dict().items(), tmp_path)


@pytest.mark.parametrize(
    ("how", "told"),
    [
        (lambda w: w["model.norm.weight"][3:4].add_(0.01), "norm.weight differs in 1 of 32"),
        (lambda w: w.pop("model.norm.weight"), "it lacks model.norm.weight"),
        (lambda w: w.update({"spare": torch.ones(2)}), "it holds spare, which the model"),
        (lambda w: w.update({"model.norm.weight": torch.ones(4)}), r"is \[4\], not \[32\]"),
        (lambda w: w.update({"model.norm.weight": torch.ones(32).half()}), "is torch.float16, not"),
    ],
)
def test_a_tensor_that_changed_on_the_way_is_told(tmp_path, how, told):
    model = tiny_model()
    model.save_pretrained(tmp_path)
    change(tmp_path / "model.safetensors", how)

    with pytest.raises(TrainingError, match=told):
        check_tensors(model.state_dict().items(), tmp_path)


def test_zero_and_minus_zero_are_not_the_same_bits(tmp_path):
    save_file({"w": torch.tensor([0.0, 1.0])}, tmp_path / "model.safetensors")

    assert check_tensors([("w", torch.tensor([0.0, 1.0]))], tmp_path) == 1
    with pytest.raises(TrainingError, match="w differs in some of 2 numbers"):
        check_tensors([("w", torch.tensor([-0.0, 1.0]))], tmp_path)


def test_a_file_that_is_cut_off_is_told(tmp_path):
    tiny_model().save_pretrained(tmp_path)
    path = tmp_path / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])

    with pytest.raises(TrainingError, match=r"model\.safetensors cannot be read"):
        check_tensors(tiny_model().state_dict().items(), tmp_path)


def test_a_configuration_of_another_shape_is_told(tmp_path):
    model = saved(tmp_path)
    path = tmp_path / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"vocab_size": 65}))
    shapes = {name: weight.shape for name, weight in model.state_dict().items()}

    with pytest.raises(TrainingError, match=r"config\.json makes lm_head\.weight \[65, 32\]"):
        check_structure(type(model), shapes, tmp_path)


@pytest.mark.parametrize(
    ("name", "old", "new", "told"),
    [
        ("chat_template.jinja", "<|eot_id|>", "<|end_of_text|>", "renders a dialogue otherwise"),
        ("tokenizer.json", '"content": "<|eot_id|>"', '"content": "<|eot|>"', "tokenizer"),
    ],
)
def test_another_tokenizer_is_told(tmp_path, name, old, new, told):
    tokenizer().save_pretrained(tmp_path)
    check_tokenizer(tokenizer(), tmp_path)
    text = (tmp_path / name).read_text()
    assert old in text
    (tmp_path / name).write_text(text.replace(old, new))

    with pytest.raises(TrainingError, match=told):
        check_tokenizer(tokenizer(), tmp_path)


def test_a_lost_stop_token_is_told(tmp_path):
    saved(tmp_path)

    with pytest.raises(TrainingError, match="does not stop at token 7"):
        check_stops([4, 7], tmp_path)


def test_every_stop_is_named_once_and_that_of_the_template_first():
    assert stop_tokens(9, [1, 9], None, 2, 1) == [9, 1, 2]


def test_settings_that_transformers_would_not_write_are_mended(tmp_path):
    model = tiny_model()
    model.generation_config.temperature = 0.6  # as LLaMA-2 chat came, without do_sample
    with pytest.raises(ValueError, match="temperature"):
        model.save_pretrained(tmp_path)
    mend_generation(model)
    model.save_pretrained(tmp_path)
    written = json.loads((tmp_path / "generation_config.json").read_text())

    assert (written["do_sample"], written["temperature"]) == (True, 0.6)


def test_a_failure_in_the_middle_leaves_the_former_model_and_no_rest(tmp_path):
    def fail():
        with whole_folder(tmp_path / "model") as temporary:
            shutil.copytree(tmp_path / "model", temporary, dirs_exist_ok=True)
            raise OSError(28, "No space left on device")

    saved(tmp_path / "model")
    with pytest.raises(StoreError, match="the disk is full"):
        fail()

    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    assert AutoTokenizer.from_pretrained(tmp_path / "model")


def test_a_full_disk_in_the_middle_is_one_line_and_leaves_no_half_model(tmp_path):
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, limit[1]))  # the weights take 70,000 bytes
    try:
        with pytest.raises(
            StoreError, match=r"limit on file sizes is reached while writing .*model"
        ):
            saved(tmp_path / "model", dtype=torch.float32)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)

    assert list(tmp_path.iterdir()) == []


def test_a_kill_in_the_middle_leaves_the_former_model(tmp_path):
    saved(tmp_path / "model")
    before = {path.name: path.read_bytes() for path in (tmp_path / "model").iterdir()}
    killed = (
        "import os, signal, sys; from pathlib import Path\n"
        "from opencharacter.train.saving import whole_folder\n"
        "with whole_folder(Path(sys.argv[1])) as temporary:\n"
        "    (temporary / 'model.safetensors').write_bytes(b'half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", killed, tmp_path / "model"], check=False)

    assert done.returncode == -signal.SIGKILL
    assert (tmp_path / ".model.tmp" / "model.safetensors").read_bytes() == b"half"
    assert {path.name: path.read_bytes() for path in (tmp_path / "model").iterdir()} == before


def test_leftovers_of_a_kill_are_removed(tmp_path):
    (tmp_path / ".model.tmp").mkdir()
    (tmp_path / ".model.tmp" / "half").write_text("x")
    saved(tmp_path / "model")

    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    assert not (tmp_path / "model" / "half").exists()


def test_a_disk_without_room_is_told_before_anything_is_written(tmp_path):
    with pytest.raises(StoreError, match=r"needs 1048576\.0 GiB, and the disk has"):
        require_room(tmp_path / "a" / "model", 2**50)

    assert list(tmp_path.iterdir()) == []
