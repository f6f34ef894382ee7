"""A trained model as one GGUF file, for llama.cpp, Ollama and LM Studio: by llama.cpp's converter.

What the converter writes is held against the model before it has its name: as many numbers, the
same tokens, the same template, and an end of turn that llama.cpp will stop at.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from math import prod
from pathlib import Path
from typing import Any

from safetensors import safe_open

from opencharacter.config import Gguf
from opencharacter.errors import ModelError, StoreError
from opencharacter.store.files import whole_file
from opencharacter.train.gguf_header import Header, read_header
from opencharacter.train.llama_cpp import Tools
from opencharacter.train.templates import FILE_NAME

_ENDS = ("tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id")
# llama.cpp stops at tokens of these names, whatever the file says (src/llama-vocab.cpp).
_STOPS = ("<|eot_id|>", "<|im_end|>", "<|end|>", "<end_of_turn>", "<|endoftext|>", "</s>")
_ADDED = "rope_"  # tensors that no checkpoint has: the converter works out the scaling of LLaMA-3.1
_SAYS_WHY = ("Error", "error:", "ERROR:", "is not supported", "not recognized")


def convert(model: Path, target: Path, kind: Gguf, tools: Tools) -> Header:
    """Convert a model and check what was written; return its head.

    Args:
        model: Folder of transformers.
        target: File that is written, whole or not at all.
        kind: Numbers of the weights.
        tools: From `find_tools`.

    Raises:
        ModelError: the converter does not take the model, or wrote another one.
        StoreError: the disk is full.
    """
    with whole_file(target) as written:
        if tools.quantizer is None:
            _run_converter(model, written, kind, tools.converter)
        else:
            _quantize(model, written, kind, tools.converter, tools.quantizer)
        header = read_header(written)
        check_gguf(header, model)
    return header


def check_gguf(header: Header, model: Path) -> None:
    """Hold a GGUF file against the model that it was made from.

    Args:
        header: Of the file.
        model: Folder of transformers.

    Raises:
        ModelError: it has other weights, tokens or template, or would not stop.
    """
    numbers = sum(each.numel for each in header.tensors if not each.name.startswith(_ADDED))
    if numbers != (expected := count_numbers(model)):
        raise _differs(model, f"{numbers:,} numbers in its weights instead of {expected:,}")
    tokens = header.values.get("tokenizer.ggml.tokens")
    known = _json(model / "config.json")["vocab_size"]
    if not isinstance(tokens, list) or len(tokens) != known:
        raise _differs(model, f"{len(tokens) if isinstance(tokens, list) else 0:,} tokens instead "
                       f"of {known:,}")  # fmt: skip
    template = (model / FILE_NAME).read_text(encoding="utf-8")
    if header.values.get("tokenizer.chat_template") != template:
        raise _differs(model, "another chat template, or none")
    stop = _json(model / "generation_config.json")["eos_token_id"]
    first = stop[0] if isinstance(stop, list) else stop
    if first not in [header.values.get(end) for end in _ENDS] and tokens[first] not in _STOPS:
        raise _differs(
            model,
            f"no stop at {tokens[first]!r} (token {first}), with which each answer ends: llama.cpp "
            "would talk on",
        )


def count_numbers(model: Path) -> int:
    """Return how many numbers the weights of a folder have."""
    count = 0
    for path in sorted(model.glob("*.safetensors")):
        with safe_open(path, framework="np") as file:
            for name in file.keys():  # noqa: SIM118  it is no dictionary
                shape: Sequence[int] = file.get_slice(name).get_shape()
                count += prod(shape)
    return count


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _quantize(model: Path, written: Path, kind: Gguf, converter: Path, quantizer: Path) -> None:
    """Convert to f16, and that to fewer bits."""
    half = written.with_suffix(".f16")
    try:
        _run_converter(model, half, Gguf.f16, converter)
        _run([str(quantizer), str(half), str(written), kind.upper()], model)
    finally:
        half.unlink(missing_ok=True)


def _run_converter(model: Path, written: Path, kind: Gguf, converter: Path) -> None:
    python = [sys.executable] if converter.suffix == ".py" else []
    command = [*python, str(converter), str(model.resolve()), "--outtype", str(kind)]
    _run([*command, "--outfile", str(written.resolve())], model)


def _run(command: Sequence[str], model: Path) -> None:
    """Run a tool of llama.cpp.

    Raises:
        ModelError: it fails; with the reason that it gives.
    """
    offline = os.environ | {"HF_HUB_OFFLINE": "1", "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(command, capture_output=True, text=True, env=offline, check=False)
    if done.returncode == 0:
        return
    lines = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    if any("os error 28" in line or "No space left" in line for line in lines):
        raise StoreError(
            f"the disk is full while {Path(command[-1]).name} is written; free some space and give "
            "the same command again: the model itself is whole"
        )
    telling = [line for line in lines if any(word in line for word in _SAYS_WHY)] or lines
    reason = telling[-1][:300] if telling else f"status {done.returncode}, without a word"
    name = next(Path(word).name for word in command if word != sys.executable)
    raise ModelError(
        f"llama.cpp's {name} does not take {model}: {reason}; the model itself is whole, and "
        "transformers and vLLM open it"
    )


def _differs(model: Path, what: str) -> ModelError:
    return ModelError(
        f"the GGUF file made from {model} has {what}; it is not kept; try a newer llama.cpp "
        "(train.llama_cpp=FOLDER), and report this with the model's name"
    )
