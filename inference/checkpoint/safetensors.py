"""Reads which tensors a safetensors file holds, and where; their bytes stay in the file.

The file is 8 bytes of little-endian header length, a JSON header, then the tensors' bytes without
a gap. Everything is checked here, so that whoever maps an extent can trust it.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeGuard

DTYPE_BYTES: Final[Mapping[str, int]] = {"F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4}
_LENGTH_BYTES: Final = 8
_HEADER_BYTES_MAX: Final = 100 * 2**20
"""The format's own limit; without one a broken length would ask for any amount of memory."""


class CheckpointError(ValueError):
    """A checkpoint is damaged, or not the kind that was asked for."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor's extent in a file: `offset` and `length` in bytes, from the file's start."""

    file: str
    name: str
    dtype: str
    shape: tuple[int, ...]
    offset: int
    length: int


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Return the file's tensors by name.

    Raises:
        CheckpointError: the file is truncated, or its header is not one.
        OSError: it cannot be read.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        header_length = int.from_bytes(file.read(_LENGTH_BYTES), "little")
        if size < _LENGTH_BYTES + header_length or header_length > _HEADER_BYTES_MAX:
            raise CheckpointError(
                f"{path} is truncated or no safetensors file: its header should be"
                f" {header_length} bytes long, the file has {size}"
            )
        header = file.read(header_length)
    start = _LENGTH_BYTES + header_length
    tensors = [_parse_entry(path, start, *entry) for entry in _parse_header(path, header)]
    _check_extents(path, tensors, start, size)
    return {tensor.name: tensor for tensor in tensors}


def _parse_header(path: Path, header: bytes) -> list[tuple[str, object]]:
    try:
        fields = json.loads(header, object_pairs_hook=_Pairs)
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"the header of {path} is not JSON") from error
    if not isinstance(fields, _Pairs):
        raise CheckpointError(f"the header of {path} is not a JSON object")
    entries = [(name, value) for name, value in fields if name != "__metadata__"]
    if len(entries) != len(dict(entries)):
        raise CheckpointError(f"the header of {path} names a tensor twice")
    return entries


class _Pairs(list[tuple[str, object]]):
    """A JSON object that still shows when a name occurs twice."""


def _parse_entry(path: Path, start: int, name: str, value: object) -> Tensor:
    fields = dict(value) if isinstance(value, _Pairs) else {}
    match [fields.get("dtype"), fields.get("shape"), fields.get("data_offsets")]:
        case [str(dtype), list(shape), [int(begin), int(end)]] if (
            dtype in DTYPE_BYTES and _are_sizes(shape) and _are_sizes([begin, end])
        ):
            tensor = Tensor(path.name, name, dtype, tuple(shape), start + begin, end - begin)
        case _:
            raise CheckpointError(f"the header of {path} describes tensor {name!r} wrongly")
    if tensor.length != math.prod(tensor.shape) * DTYPE_BYTES[dtype]:
        raise CheckpointError(
            f"tensor {name!r} of {path} has {tensor.length} bytes,"
            f" which {dtype} of shape {tensor.shape} does not take"
        )
    return tensor


def _are_sizes(numbers: list[object]) -> TypeGuard[list[int]]:
    return all(type(number) is int and number >= 0 for number in numbers)  # bool is an int


def _check_extents(path: Path, tensors: list[Tensor], start: int, size: int) -> None:
    """Check that the tensors fill the file: no overlap, no gap, nothing missing."""
    end = start
    for tensor in sorted(tensors, key=lambda tensor: (tensor.offset, tensor.length)):
        if tensor.offset != end:
            raise CheckpointError(f"tensor {tensor.name!r} of {path} overlaps or leaves a gap")
        end += tensor.length
    if end > size:
        raise CheckpointError(f"{path} is truncated: {end - size} of {end} bytes are missing")
    if end < size:
        raise CheckpointError(f"{path} has {size - end} bytes behind its last tensor")
