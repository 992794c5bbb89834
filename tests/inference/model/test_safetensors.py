"""What the reader of safetensors files guarantees to whoever maps an extent."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inference.checkpoint.safetensors import CheckpointError, read_tensors
from tests.inference.model.checkpoints import safetensors_bytes

_ARRAYS = {
    "a": np.arange(6, dtype=np.float32).reshape(2, 3),
    "empty": np.zeros((0, 4), dtype=np.float32),
    "scalar": np.float32(7).reshape(()),
}
_WHOLE = safetensors_bytes(_ARRAYS)


def _write(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    return path


def _with_header(header: object, data: bytes = b"\0" * 8) -> bytes:
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def test_extents_hold_the_tensors_bytes(tmp_path: Path) -> None:
    """What is read back at each extent is the array that was written."""
    tensors = read_tensors(_write(tmp_path, _WHOLE))
    found = {
        name: np.frombuffer(_WHOLE[t.offset : t.offset + t.length], "<f4").reshape(t.shape)
        for name, t in tensors.items()
    }
    assert list(found) == list(_ARRAYS)
    assert all(np.array_equal(found[name], array) for name, array in _ARRAYS.items())


@given(length=st.integers(0, len(_WHOLE) - 1))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_a_truncated_file_is_refused(tmp_path: Path, length: int) -> None:
    """No prefix of a file passes for the file."""
    with pytest.raises(CheckpointError):
        read_tensors(_write(tmp_path, _WHOLE[:length]))


def test_a_truncated_file_is_called_so(tmp_path: Path) -> None:
    """The message says what is wrong and by how much."""
    with pytest.raises(CheckpointError, match=r"is truncated: 4 of \d+ bytes are missing"):
        read_tensors(_write(tmp_path, _WHOLE[:-4]))


def test_bytes_behind_the_last_tensor_are_refused(tmp_path: Path) -> None:
    """A file that holds more than it says is not what its authors wrote."""
    with pytest.raises(CheckpointError, match="3 bytes behind"):
        read_tensors(_write(tmp_path, _WHOLE + b"abc"))


_SIZES = st.one_of(st.integers(-2, 20), st.booleans(), st.none(), st.floats(), st.text(max_size=2))
_ENTRIES = st.fixed_dictionaries(
    {},
    optional={
        "dtype": st.sampled_from(["F32", "F16", "I64", "F8", "", 7, None]),
        "shape": st.lists(_SIZES, max_size=3) | st.none(),
        "data_offsets": st.lists(_SIZES, max_size=3) | st.none(),
    },
)
_HEADERS = st.dictionaries(st.text(max_size=3), _ENTRIES | st.integers() | st.none()) | st.lists(
    st.integers()
)


@given(header=_HEADERS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_header_is_read_or_refused(tmp_path: Path, header: object) -> None:
    """A header of the wrong form raises CheckpointError and nothing else, or lies in the file."""
    content = _with_header(header)
    try:
        tensors = read_tensors(_write(tmp_path, content))
    except CheckpointError:
        return
    assert all(0 <= t.offset <= t.offset + t.length <= len(content) for t in tensors.values())


@given(content=st.binary(max_size=64))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_junk_is_refused(tmp_path: Path, content: bytes) -> None:
    """Arbitrary bytes raise CheckpointError and nothing else."""
    with pytest.raises(CheckpointError):
        read_tensors(_write(tmp_path, content))


def _entry(begin: int, end: int, shape: list[int], dtype: str = "F32") -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


@pytest.mark.parametrize(
    ("header", "complaint"),
    [
        ({"a": _entry(0, 8, [3])}, "has 8 bytes"),
        ({"a": _entry(0, 8, [2], "F64X")}, "describes tensor 'a' wrongly"),
        ({"a": _entry(0, 8, [2]), "b": _entry(4, 8, [1])}, "overlaps or leaves a gap"),
        ({"a": _entry(4, 8, [1])}, "overlaps or leaves a gap"),
        ({"a": _entry(8, 0, [2])}, "has -8 bytes"),
        ([1], "not a JSON object"),
    ],
)
def test_a_wrong_header_is_named(tmp_path: Path, header: object, complaint: str) -> None:
    """Each mistake has its own message."""
    with pytest.raises(CheckpointError, match=complaint):
        read_tensors(_write(tmp_path, _with_header(header)))


def test_a_tensor_named_twice_is_refused(tmp_path: Path) -> None:
    """JSON would quietly keep the last one."""
    text = b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},'
    text += b'"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}'
    with pytest.raises(CheckpointError, match="names a tensor twice"):
        read_tensors(_write(tmp_path, len(text).to_bytes(8, "little") + text + b"\0" * 8))
