"""GGUF files written by hand, and a converter that stands in for llama.cpp's."""

import json
import struct
import sys
from pathlib import Path

from safetensors import safe_open

ROOT = Path(__file__).parents[2]


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value.encode())) + value.encode()


def value(one) -> bytes:
    """Return a value as GGUF has it, its type first."""
    if isinstance(one, bool):
        return struct.pack("<I?", 7, one)
    if isinstance(one, int):
        return struct.pack("<II", 4, one)
    if isinstance(one, float):
        return struct.pack("<If", 6, one)
    if isinstance(one, str):
        return struct.pack("<I", 8) + text(one)
    inner = [value(each) for each in one]
    kind = inner[0][:4] if inner else struct.pack("<I", 8)
    return (
        struct.pack("<I", 9) + kind + struct.pack("<Q", len(one)) + b"".join(i[4:] for i in inner)
    )


def gguf_bytes(values: dict, tensors: dict[str, tuple[int, ...]], *, version: int = 3) -> bytes:
    """Return a file whose tensors are zeros in float32."""
    head = b"GGUF" + struct.pack("<IQQ", version, len(tensors), len(values))
    head += b"".join(text(key) + value(each) for key, each in values.items())
    data = b""
    for name, shape in tensors.items():
        numbers = 1
        for size in shape:
            numbers *= size
        head += text(name) + struct.pack("<I", len(shape)) + struct.pack(f"<{len(shape)}Q", *shape)
        head += struct.pack("<IQ", 0, len(data))
        data += bytes(4 * numbers) + bytes(-4 * numbers % 32)
    return head + bytes(-len(head) % 32) + data


def imitate(model: Path, **changed) -> bytes:
    """Return a GGUF of a model's shapes, tokens and template, as a converter would write it."""
    tensors: dict[str, tuple[int, ...]] = {}
    for path in sorted(model.glob("*.safetensors")):
        with safe_open(path, framework="np") as file:
            names = list(file.keys())
            tensors |= {name: tuple(file.get_slice(name).get_shape()) for name in names}
    tokenizer = json.loads((model / "tokenizer.json").read_text())
    known = {number: token for token, number in tokenizer["model"]["vocab"].items()}
    known |= {token["id"]: token["content"] for token in tokenizer["added_tokens"]}
    size = json.loads((model / "config.json").read_text())["vocab_size"]
    values = {
        "general.architecture": "llama",
        "tokenizer.ggml.tokens": [known.get(number, f"[PAD{number}]") for number in range(size)],
        "tokenizer.ggml.eos_token_id": 1,
        "tokenizer.chat_template": (model / "chat_template.jinja").read_text(),
    }
    return gguf_bytes(values | changed, tensors)


def stand_in(folder: Path, code: str) -> Path:
    """Write a converter of this code; `model` and `outfile` are its arguments."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "convert_hf_to_gguf.py"
    head = (
        "import sys\nfrom pathlib import Path\n"
        f"sys.path.insert(0, {str(ROOT)!r})\n"
        "model, outfile = Path(sys.argv[1]), Path(sys.argv[sys.argv.index('--outfile') + 1])\n"
    )
    path.write_text(head + code, encoding="utf-8")
    return path


GOOD = "from tests.train.ggufs import imitate\noutfile.write_bytes(imitate(model))\n"
"""Code of a converter that does its work."""

assert sys.byteorder == "little"  # GGUF of other machines is another format
