"""GGUF: its head is read, the converter is found, and what it writes is held against the model."""

import os
import shutil
from pathlib import Path

import pytest
import torch

from opencharacter.config import Gguf, Template, TrainConfig
from opencharacter.errors import ConfigError, ModelError, StoreError
from opencharacter.train.gguf import convert, count_numbers
from opencharacter.train.gguf_header import read_header
from opencharacter.train.llama_cpp import Tools, find_tools
from opencharacter.train.saving import save_model
from opencharacter.train.templates import template_text
from tests.conftest import NOT_TESTED
from tests.train.ggufs import GOOD, gguf_bytes, imitate, stand_in
from tests.train.models import tiny_model
from tests.train.rows import EMBEDDED
from tests.train.vocabularies import mistral

VALUES = {"a": 7, "b": "text", "c": ["x", "yz"], "d": 0.5, "e": True, "f": [1, 2, 3]}


def converted(tmp_path, code, model=EMBEDDED):
    tools = Tools(stand_in(tmp_path / "llama.cpp", code), None)
    return convert(model, tmp_path / "out" / "m.gguf", Gguf.f16, tools)


def test_the_head_of_a_file_written_by_hand(tmp_path):
    (tmp_path / "m").write_bytes(gguf_bytes(VALUES, {"one": (3, 2), "two": (5,)}))
    header = read_header(tmp_path / "m")

    assert header.values == VALUES
    assert [(t.name, t.shape, t.numel) for t in header.tensors] == [
        ("one", (3, 2), 6),
        ("two", (5,), 5),
    ]
    assert header.tensors[1].offset == 32
    assert header.end <= (tmp_path / "m").stat().st_size


@pytest.mark.parametrize("kept", [0, 3, 20, 60, 150, -40])
def test_a_file_that_is_cut_off_is_told(tmp_path, kept):
    whole = gguf_bytes(VALUES, {"one": (3, 2), "two": (50,)})
    (tmp_path / "m").write_bytes(whole[:kept])

    with pytest.raises(StoreError, match=r"cut off|no whole GGUF"):
        read_header(tmp_path / "m")


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"PK\x03\x04" + bytes(100), "does not begin with GGUF"),
        (gguf_bytes({}, {}, version=9), "version 9"),
        (b"GGUF\x03\0\0\0" + b"\xff" * 16, "18,446,744,073,709,551,615 of something"),
    ],
)
def test_another_file_is_told(tmp_path, data, told):
    (tmp_path / "m").write_bytes(data)

    with pytest.raises(StoreError, match=told):
        read_header(tmp_path / "m")


def test_a_conversion_that_is_right_has_its_name(tmp_path):
    header = converted(tmp_path, GOOD)

    assert sum(tensor.numel for tensor in header.tensors) == count_numbers(EMBEDDED) > 4_000_000
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["m.gguf"]


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"tokenizer.chat_template": "other"}, "another chat template, or none"),
        ({"tokenizer.ggml.tokens": ["a", "b"]}, "2 tokens instead of 4,096"),
        (
            {"tokenizer.ggml.tokens": [f"t{n}" for n in range(4096)]},
            r"no stop at 't4' \(token 4\)",
        ),
    ],
)
def test_a_conversion_that_is_wrong_is_not_kept(tmp_path, changed, told):
    (tmp_path / "wrong").write_bytes(imitate(EMBEDDED, **changed))
    with pytest.raises(ModelError, match=told):
        converted(tmp_path, f"outfile.write_bytes(Path({str(tmp_path / 'wrong')!r}).read_bytes())")

    assert list((tmp_path / "out").iterdir()) == []


def test_lost_weights_are_told(tmp_path):
    code = GOOD.replace("imitate(model)", "imitate(model).replace(b'model.norm', b'rope_.norm')")

    with pytest.raises(ModelError, match="numbers in its weights instead of"):
        converted(tmp_path, code)


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (
            "sys.stderr.write('INFO:hf-to-gguf:a\\nERROR:hf-to-gguf:Model X is not supported\\n')"
            "\nsys.exit(1)",
            r"does not take .*: ERROR:hf-to-gguf:Model X is not supported; the model itself is",
        ),
        ("raise NotImplementedError('BPE pre-tokenizer was not recognized')", "was not recognized"),
        ("import absent_gguf", "No module named 'absent_gguf'"),
        ("sys.exit(3)", "status 3, without a word"),
    ],
)
def test_the_converter_is_quoted(tmp_path, code, told):
    with pytest.raises(ModelError, match=told):
        converted(tmp_path, code)

    assert list((tmp_path / "out").iterdir()) == []


def test_fewer_bits_are_made_by_the_other_tool(tmp_path):
    stand_in(tmp_path, GOOD)
    quantizer = tmp_path / "build" / "bin" / "llama-quantize"
    quantizer.parent.mkdir(parents=True)
    quantizer.write_text(f'#!/bin/sh\necho "$3" > {tmp_path}/asked\ncp "$1" "$2"\n')
    quantizer.chmod(0o755)
    config = TrainConfig(gguf=Gguf.q4_k_m, llama_cpp=str(tmp_path))
    convert(EMBEDDED, tmp_path / "out" / "m.gguf", Gguf.q4_k_m, find_tools(config))

    assert (tmp_path / "asked").read_text() == "Q4_K_M\n"
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["m.gguf"]


def test_absent_tools_are_told_with_the_way_to_get_them(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_tools(TrainConfig()) is None
    with pytest.raises(ConfigError, match="which is not on the PATH; git clone https://github"):
        find_tools(TrainConfig(gguf=Gguf.f16))
    with pytest.raises(ConfigError, match=r"there is no folder .*absent; check train\.llama_cpp"):
        find_tools(TrainConfig(gguf=Gguf.f16, llama_cpp=str(tmp_path / "absent")))
    stand_in(tmp_path, GOOD)
    with pytest.raises(ConfigError, match=r"needs llama-quantize, .* one of f32, f16, bf16, q8_0"):
        find_tools(TrainConfig(gguf=Gguf.q4_k_m, llama_cpp=str(tmp_path)))


@pytest.fixture
def llama_cpp():
    """Return the folder of llama.cpp; skipped, and said so, where there is none."""
    found = os.environ.get("LLAMA_CPP") or shutil.which("convert_hf_to_gguf.py")
    if not found:
        pytest.skip(
            f"LLAMA.CPP'S CONVERTER {NOT_TESTED}: it is not installed; set LLAMA_CPP=FOLDER"
        )
    return Path(found) if Path(found).is_dir() else Path(found).parent


@pytest.mark.parametrize("kind", [Gguf.f16, Gguf.q8_0])
def test_the_real_converter_takes_a_model_of_the_llama_family(
    tmp_path, llama_cpp, kind, monkeypatch
):
    tokenizer, model = mistral(), tiny_model(vocabulary=len(mistral()), width=64)
    tokenizer.chat_template = template_text(Template.mistral)
    stop = [tokenizer.eos_token_id]
    save_model(model, tokenizer, tmp_path / "m", dtype=torch.float16, stop_ids=stop)
    tools = find_tools(TrainConfig(gguf=kind, llama_cpp=str(llama_cpp)))
    header = convert(tmp_path / "m", tmp_path / "m.gguf", kind, tools)
    monkeypatch.syspath_prepend(llama_cpp / "gguf-py")
    reader = pytest.importorskip("gguf").GGUFReader(tmp_path / "m.gguf")

    assert header.values["tokenizer.ggml.eos_token_id"] == stop[0]
    assert [t.name for t in reader.tensors] == [t.name for t in header.tensors]
    assert [int(t.n_elements) for t in reader.tensors] == [t.numel for t in header.tensors]


def test_the_real_converter_says_why_it_does_not_take_our_own_tokenizer(tmp_path, llama_cpp):
    with pytest.raises(ModelError, match="BPE pre-tokenizer was not recognized"):
        convert(
            *(EMBEDDED, tmp_path / "m.gguf", Gguf.f16),
            Tools(llama_cpp / "convert_hf_to_gguf.py", None),
        )
