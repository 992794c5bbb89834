"""`make check` finds what is badly named in the admin API, and what would break its callers."""

import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

_PROTO: Final = Path(__file__).parents[2] / "proto"
_BUF: Final = _PROTO / "node_modules/@bufbuild/buf-linux-x64/bin/buf"
_BASELINE: Final = _PROTO / "baseline.binpb"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The sources, to be changed at will."""
    for source in (_PROTO / "buf.yaml", *_PROTO.glob("tessera/**/*.proto")):
        target = tmp_path / source.relative_to(_PROTO)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)
    return tmp_path


def _buf(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [_BUF, *arguments],
        # Whatever it wanted to fetch, it could not.
        env={"HOME": "/nonexistent", "HTTPS_PROXY": "http://127.0.0.1:9"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def _replace(source: Path, old: str, new: str) -> None:
    text = source.read_text()
    assert text.count(old) == 1
    source.write_text(text.replace(old, new))


def test_the_committed_sources_are_well_named_and_break_nobody() -> None:
    """As `make check` asks."""
    lint, breaking = _buf("lint", _PROTO), _buf("breaking", _PROTO, "--against", _BASELINE)
    assert (lint.stdout, lint.returncode) == ("", 0)
    assert (breaking.stdout, breaking.returncode) == ("", 0)


def test_a_badly_named_field_is_found(copy: Path) -> None:
    """By the file and the line."""
    keys = copy / "tessera/admin/v1/keys.proto"
    _replace(keys, "string last_four = 13;", "string lastFour = 13;")
    found = _buf("lint", copy)
    assert "keys.proto" in found.stdout
    assert "lastFour" in found.stdout
    assert found.returncode != 0


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("string last_four = 13;", ""),
        ("string last_four = 13;", "string last_four = 16;"),
        ("string last_four = 13;", "bytes last_four = 13;"),
        ("string last_four = 13;", "string final_four = 13;"),
        ("rpc GetKey(GetKeyRequest)", "rpc ReadKey(GetKeyRequest)"),
    ],
    ids=["removed", "renumbered", "another type", "renamed", "a method renamed"],
)
def test_what_would_break_a_caller_is_found(copy: Path, old: str, new: str) -> None:
    """Its sources included: what was generated for it goes on compiling."""
    _replace(copy / "tessera/admin/v1/keys.proto", old, new)
    found = _buf("breaking", copy, "--against", _BASELINE)
    assert "keys.proto" in found.stdout
    assert found.returncode != 0


def test_what_is_added_breaks_nobody(copy: Path) -> None:
    """So the API can grow."""
    keys = copy / "tessera/admin/v1/keys.proto"
    _replace(keys, "string last_four = 13;", "string last_four = 13;\n  string note = 99;")
    found = _buf("breaking", copy, "--against", _BASELINE)
    assert (found.stdout, found.returncode) == ("", 0)


def test_envoys_own_format_is_left_alone(copy: Path) -> None:
    """Its names are Envoy's; that it stays compatible is tested against Envoy's own messages."""
    _replace(copy / "tessera/envoy/v1/ext_authz.proto", "message CheckRequest", "message badName")
    service = copy / "tessera/envoy/v1/ext_authz_service.proto"
    _replace(service, "tessera.envoy.v1.CheckRequest", "tessera.envoy.v1.badName")
    for found in (_buf("lint", copy), _buf("breaking", copy, "--against", _BASELINE)):
        assert (found.stdout, found.returncode) == ("", 0)
