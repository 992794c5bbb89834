"""The generated code is what its sources generate."""

from pathlib import Path

import pytest

from proto import generate

_SOURCE = 'syntax = "proto3"; package x; message A { string a = 1; }'


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A tree with one source, its code generated."""
    folder = tmp_path / "root" / "proto" / "x"
    folder.mkdir(parents=True)
    (folder / "a.proto").write_text(_SOURCE)
    generate.replace_generated(tmp_path / "root", _compile(tmp_path / "root", tmp_path / "first"))
    return tmp_path / "root"


def _compile(root: Path, out: Path) -> Path:
    out.mkdir()
    generate.compile_sources(root, out)
    return out


def test_the_committed_code_is_fresh(capfd: pytest.CaptureFixture[str]) -> None:
    """`make check` fails before stale code can be merged."""
    assert generate.main(["--check"]) == 0, capfd.readouterr().err


def test_fresh_code_does_not_drift(root: Path, tmp_path: Path) -> None:
    """Generating is deterministic."""
    assert generate.find_drift(root, _compile(root, tmp_path / "again")) == []


def test_a_changed_source_is_drift(root: Path, tmp_path: Path) -> None:
    """Both the code and its types are named."""
    (root / "proto" / "x" / "a.proto").write_text(_SOURCE.replace("a = 1", "b = 1"))
    drift = generate.find_drift(root, _compile(root, tmp_path / "again"))
    assert drift == [Path("proto/x/a_pb2.py"), Path("proto/x/a_pb2.pyi")]


def test_code_without_a_source_is_drift_and_is_removed(root: Path, tmp_path: Path) -> None:
    """A message that was deleted cannot go on being imported."""
    (root / "proto" / "x" / "a.proto").rename(root / "proto" / "x" / "b.proto")
    fresh = _compile(root, tmp_path / "again")
    assert Path("proto/x/a_pb2.py") in generate.find_drift(root, fresh)
    generate.replace_generated(root, fresh)
    assert generate.find_drift(root, fresh) == []


def test_a_broken_source_is_an_error(root: Path, tmp_path: Path) -> None:
    """Nothing is replaced by nothing."""
    (root / "proto" / "x" / "a.proto").write_text("message {")
    with pytest.raises(generate.CompileError):
        _compile(root, tmp_path / "again")
