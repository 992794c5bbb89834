"""`tessera keys scan --history` on real git repositories."""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from cli.main import app
from cli.scan.findings import Report, fingerprint
from cli.scan.git import Repository
from cli.scan.history import scan_history
from tests.cli.planted import make_key, shows_secret, spoil

_GIT = shutil.which("git")
pytestmark = pytest.mark.skipif(_GIT is None, reason="git is not installed")

_KEY = make_key()


@dataclass(frozen=True)
class Shop:
    """A repository to commit to."""

    folder: Path

    def git(self, *arguments: str) -> str:
        """Run git, and return what it says."""
        assert _GIT is not None
        identity = ("-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "gc.auto=0")
        done = subprocess.run(
            (_GIT, *identity, *arguments),
            cwd=self.folder,
            capture_output=True,
            check=True,
            timeout=30,
            text=True,
        )
        return done.stdout.strip()

    def commit(self, files: dict[str, bytes | str], message: str = "Change") -> str:
        """Write files, commit everything, and return the commit's name."""
        for name, content in files.items():
            path = self.folder / name
            path.parent.mkdir(exist_ok=True, parents=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """An empty repository."""
    (tmp_path / "shop").mkdir()
    shop = Shop(tmp_path / "shop")
    shop.git("init", "--quiet", "--initial-branch", "main")
    return shop


def _scan(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["keys", "scan", "--history", *map(str, arguments)])


def _places(*arguments: str | Path) -> list[tuple[str, str, int]]:
    document = json.loads(_scan("--output", "json", *arguments).stdout)
    found: list[dict[str, Any]] = document["findings"]
    assert document["problems"] == []
    return [(each["commit"], each["file"], each["line"]) for each in found]


def _quiet(_: int) -> None: ...


def _report(shop: Shop, silence_seconds: float = 30) -> Report:
    repository = Repository.find(str(shop.folder))
    return scan_history(repository, _quiet, silence_seconds=silence_seconds)


def test_a_removed_key_is_found_where_it_came_in(shop: Shop) -> None:
    """The files no longer hold it; history does, and says since which commit."""
    shop.commit({"README": "hello"})
    first = shop.commit({"src/einstellungen ü.py": f"\nKEY = '{_KEY}'\n"})
    shop.commit({"src/einstellungen ü.py": f"\n\n\nKEY = '{_KEY}'  # moved\n"})
    shop.commit({"src/einstellungen ü.py": "KEY = None\n"})
    assert CliRunner().invoke(app, ["keys", "scan", str(shop.folder)]).exit_code == 0
    assert _places(shop.folder) == [(first, "src/einstellungen ü.py", 2)]
    result = _scan(shop.folder)
    assert (result.exit_code, first[:12] in result.stdout) == (1, True)
    assert not shows_secret(result.output, _KEY)


def test_every_path_of_a_key_is_named(shop: Shop) -> None:
    """A file and its copy have one content, and two places to clean."""
    first = shop.commit({"a": _KEY})
    second = shop.commit({"b": _KEY})
    shop.commit({"a": "", "b": ""})
    assert set(_places(shop.folder)) == {(first, "a", 1), (second, "b", 1)}


def test_branches_tags_stashes_and_merges_are_searched(shop: Shop) -> None:
    """All refs, not only what is checked out; a merge may bring in what neither side had."""
    shop.commit({"a": "1"})
    shop.git("checkout", "--quiet", "-b", "side")
    branch = shop.commit({"branch": make_key(1)})
    shop.git("rm", "--quiet", "branch")
    shop.commit({"side": "1"})
    shop.git("checkout", "--quiet", "main")
    shop.commit({"main": "1"})
    shop.git("merge", "--quiet", "--no-commit", "--no-ff", "side")
    merge = shop.commit({"merge": make_key(2)})
    shop.git("rm", "--quiet", "merge")
    shop.commit({"end": "1"})
    (shop.folder / "a").write_text(make_key(3))
    shop.git("stash")
    stash = shop.git("rev-parse", "refs/stash")
    places = _places(shop.folder)
    assert {(commit, file) for commit, file, _ in places} == {
        (branch, "branch"),
        (merge, "merge"),
        (stash, "a"),
    }


def test_messages_and_loose_blobs_are_searched(shop: Shop) -> None:
    """A key may sit in a commit's or tag's text, or in a file that only a tag names."""
    commit = shop.commit({"a": "1"}, message=f"Use {make_key(1)}")
    shop.git("tag", "--annotate", "v1", "--message", f"Was {make_key(2)}")
    tag = shop.git("rev-parse", "v1")
    (shop.folder / "loose").write_text(make_key(3))
    shop.git("tag", "blob", shop.git("hash-object", "-w", "loose"))
    (shop.folder / "loose").unlink()
    assert {(each.commit, each.file) for each in _report(shop).findings} == {
        (commit, ""),
        (tag, ""),
        ("", ""),
    }


def test_large_and_binary_versions_are_read_in_pieces(shop: Shop) -> None:
    """Over several chunks, with the key on a boundary, and what follows is still understood."""
    text = b"\n" * ((1 << 20) - 20) + _KEY.encode() + b"\0" * (2 << 20)
    large = shop.commit({"large.bin": text})
    small = shop.commit({"large.bin": b"", "z": make_key(1)})
    shop.commit({"z": ""})
    assert set(_places(shop.folder)) == {
        (large, "large.bin", (1 << 20) - 19),
        (small, "z", 1),
    }


def test_near_misses_are_counted_once_per_content(shop: Shop) -> None:
    """Not per commit."""
    shop.commit({"a": spoil(_KEY)})
    shop.commit({"b": spoil(_KEY)})
    assert _report(shop).near_misses == 1


def test_a_path_inside_stands_for_its_repository_once(shop: Shop) -> None:
    """Two paths of one repository, or a hook's variables, do not make two scans."""
    first = shop.commit({"src/a": _KEY})
    shop.commit({"src/a": "", "src/b": ""})
    assert _places(shop.folder / "src", shop.folder / "src" / "b") == [(first, "src/a", 1)]


def test_the_environments_repository_is_not_taken_for_the_paths(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hooks run with GIT_DIR set."""
    first = shop.commit({"a": _KEY})
    shop.commit({"a": ""})
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other"))
    assert _places(shop.folder) == [(first, "a", 1)]


def test_an_empty_repository_holds_nothing(shop: Shop) -> None:
    """No commit is no mistake."""
    assert _scan(shop.folder).exit_code == 0


def test_no_repository_is_said(tmp_path: Path) -> None:
    """One sentence, and exit code 2."""
    result = _scan(tmp_path)
    assert result.exit_code == 2
    assert f"tessera: {tmp_path}: it is in no git repository that can be read" in result.stderr


def test_missing_git_is_said(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence, and exit code 2."""
    monkeypatch.setenv("PATH", "")
    result = _scan(shop.folder)
    assert result.exit_code == 2
    assert "git is not installed, and history cannot be read without it" in result.stderr


def test_a_shallow_clone_is_said(shop: Shop, tmp_path: Path) -> None:
    """What was never fetched was never scanned: a clean result would be a lie."""
    shop.commit({"a": _KEY})
    shop.commit({"a": ""})
    clone = tmp_path / "clone"
    shop.git("clone", "--quiet", "--depth", "1", f"file://{shop.folder}", str(clone))
    result = _scan(clone)
    assert result.exit_code == 2
    assert "the clone is shallow" in result.stderr


def test_missing_objects_are_said_and_the_rest_is_read(shop: Shop) -> None:
    """As in a partial clone, whose objects must not be fetched by a scan."""
    commit = shop.commit({"a": _KEY, "b": "gone"})
    gone = shop.git("rev-parse", "HEAD:b")
    (shop.folder / ".git" / "objects" / gone[:2] / gone[2:]).unlink()
    report = _report(shop)
    assert [(each.commit, each.file) for each in report.findings] == [(commit, "a")]
    assert [each.reason for each in report.problems] == [
        "1 objects are not in this clone: fetch them and scan again"
    ]


def test_a_damaged_repository_is_said(shop: Shop) -> None:
    """Git's own last words are passed on."""
    shop.commit({"a": "x"})
    tree = shop.git("rev-parse", "HEAD^{tree}")
    path = shop.folder / ".git" / "objects" / tree[:2] / tree[2:]
    path.chmod(0o600)
    path.write_bytes(b"not an object")
    (problem,) = _report(shop).problems
    assert problem.reason.startswith("git stopped before the end: ")


def test_a_git_that_hangs_is_given_up(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Silence ends the scan with a problem, not with a wait for ever."""
    shop.commit({"a": _KEY})
    repository = Repository.find(str(shop.folder))
    (tmp_path / "bin").mkdir()
    fake = tmp_path / "bin" / "git"
    fake.write_text('#!/bin/sh\ncase "$*" in *rev-parse*) echo false;; *) exec sleep 60;; esac\n')
    fake.chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    report = scan_history(repository, _quiet, silence_seconds=0.2)
    assert [each.reason for each in report.problems] == ["git has said nothing for 0 seconds"]


def test_the_fingerprint_is_the_same_in_files_and_history(shop: Shop) -> None:
    """So that one key's findings can be matched."""
    shop.commit({"a": _KEY})
    document = json.loads(_scan("--output", "json", shop.folder).stdout)
    assert [each["fingerprint"] for each in document["findings"]] == [fingerprint(_KEY)] * 2
