"""The head of a GGUF file: what llama.cpp reads before the weights.

Format: version 3 of https://github.com/ggml-org/ggml/blob/master/docs/gguf.md, little-endian.
Only the standard library is needed.
"""

import struct
from math import prod
from pathlib import Path
from typing import BinaryIO, NamedTuple

from opencharacter.errors import StoreError

Value = int | float | bool | str | list["Value"]

_MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_NUMBERS = {
    0: "<B",
    1: "<b",
    2: "<H",
    3: "<h",
    4: "<I",
    5: "<i",
    6: "<f",
    7: "<?",
    10: "<Q",
    11: "<q",
    12: "<d",
}
_STRING, _ARRAY = 8, 9
_ALIGNMENT = 32  # bytes, unless `general.alignment` says otherwise
_MOST = 2**31  # entries or bytes of one thing: more is a broken file, not a model
_BLOCKS = {  # of a tensor: (numbers, bytes) by ggml's number of the type
    0: (1, 4),
    1: (1, 2),
    30: (1, 2),  # f32, f16, bf16
    2: (32, 18),
    3: (32, 20),
    6: (32, 22),
    7: (32, 24),
    8: (32, 34),  # q4_0 ... q8_0
    10: (256, 84),
    11: (256, 110),
    12: (256, 144),
    13: (256, 176),
    14: (256, 210),  # q2_k ...
}


class TensorInfo(NamedTuple):
    """Where a tensor stands."""

    name: str
    shape: tuple[int, ...]
    """The other way round than torch's: the row's length first."""
    kind: int
    """ggml's number of the type."""
    offset: int
    """Bytes from the beginning of the data."""

    @property
    def numel(self) -> int:
        """Numbers in it."""
        return prod(self.shape)

    @property
    def size(self) -> int | None:
        """Bytes; None = a type that is not known here."""
        if self.kind not in _BLOCKS:
            return None
        numbers, size = _BLOCKS[self.kind]
        return self.numel // numbers * size


class Header(NamedTuple):
    """What stands before the weights."""

    version: int
    values: dict[str, Value]
    tensors: list[TensorInfo]
    end: int
    """Bytes that the file must have at least."""


def read_header(path: Path) -> Header:
    """Read the head of a file, and see to it that the file is as long as it says.

    Raises:
        StoreError: it is no GGUF, cut off, or broken.
    """
    size = path.stat().st_size
    try:
        with path.open("rb") as file:
            header = _header(file)
    except (struct.error, UnicodeDecodeError, ValueError) as error:
        raise StoreError(f"{path} is no whole GGUF file: {error}; convert it again") from error
    if size < header.end:
        raise StoreError(
            f"{path} is cut off: {size:,} bytes of at least {header.end:,}; convert it again"
        )
    return header


def _header(file: BinaryIO) -> Header:
    if file.read(4) != _MAGIC:
        raise ValueError("it does not begin with GGUF")
    version, n_tensors, n_values = struct.unpack("<IQQ", file.read(20))
    if version not in _VERSIONS:
        raise ValueError(f"version {version} is not one of {_VERSIONS}")
    values: dict[str, Value] = {}
    for _ in range(_checked(n_values)):
        key = _string(file)
        values[key] = _value(file, _number(file, "<I"))
    tensors = [_tensor(file) for _ in range(_checked(n_tensors))]
    alignment = values.get("general.alignment", _ALIGNMENT)
    if not isinstance(alignment, int) or alignment < 1:
        raise ValueError(f"general.alignment is {alignment}")
    begins = -(-file.tell() // alignment) * alignment
    ends = [tensor.offset + (tensor.size or 1) for tensor in tensors]
    return Header(version, values, tensors, begins + max(ends, default=0))


def _tensor(file: BinaryIO) -> TensorInfo:
    name = _string(file)
    shape = tuple(_number(file, "<Q") for _ in range(_checked(_number(file, "<I"))))
    return TensorInfo(name, shape, _number(file, "<I"), _number(file, "<Q"))


def _value(file: BinaryIO, kind: int) -> Value:
    if kind == _STRING:
        return _string(file)
    if kind == _ARRAY:
        inner, count = _number(file, "<I"), _checked(_number(file, "<Q"))
        return [_value(file, inner) for _ in range(count)]
    if kind not in _NUMBERS:
        raise ValueError(f"a value has the unknown type {kind}")
    form = _NUMBERS[kind]
    found: int | float | bool = struct.unpack(form, file.read(struct.calcsize(form)))[0]
    return found


def _number(file: BinaryIO, form: str) -> int:
    found: int = struct.unpack(form, file.read(struct.calcsize(form)))[0]
    return found


def _string(file: BinaryIO) -> str:
    size = _checked(_number(file, "<Q"))
    found = file.read(size)
    if len(found) != size:
        raise ValueError("it ends in the middle of a text")
    return found.decode(errors="surrogateescape")


def _checked(count: int) -> int:
    if count > _MOST:
        raise ValueError(f"it says that there are {count:,} of something")
    return count
