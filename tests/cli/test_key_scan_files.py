"""`tessera keys scan` on files and folders, as a person or a program calls it."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from typer.testing import CliRunner, Result

from cli.main import app
from cli.scan.findings import Report, fingerprint
from cli.scan.progress import Meter
from contract.keys import mask_key
from tests.cli.planted import make_key, shows_secret, spoil
from tests.waiting import wait_until

_KEY = make_key()
_SCAN = (sys.executable, "-m", "cli", "keys", "scan")


def _scan(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["keys", "scan", *map(str, arguments)])


def _findings(*arguments: str | Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(_scan("--output", "json", *arguments).stdout)[
        "findings"
    ]
    return found


def test_nothing_found(tmp_path: Path) -> None:
    """Exit code 0, and the figures show that something was read."""
    (tmp_path / "a.txt").write_text("nothing")
    result = _scan(tmp_path)
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "No Tessera key found in 1 file (7 bytes).\n"


def test_json_names_the_place_and_never_the_key(tmp_path: Path) -> None:
    """Exit code 1; line and column count from 1; the fingerprint is SHA-256's beginning."""
    (tmp_path / "a.env").write_text(f"A=1\nKEY={_KEY}\nOLD={spoil(_KEY)}\n")
    result = _scan("--output", "json", tmp_path)
    assert result.exit_code == 1
    assert json.loads(result.stdout) == {
        "findings": [
            {
                "repository": None,
                "file": f"{tmp_path}/a.env",
                "line": 2,
                "column": 5,
                "commit": None,
                "key": mask_key(_KEY),
                "fingerprint": fingerprint(_KEY),
            }
        ],
        "problems": [],
        "near_misses": 1,
        "files": 1,
        "objects": 0,
        "bytes": 116,
    }
    assert not shows_secret(result.output, _KEY)


def test_table_names_the_place_and_never_the_key(tmp_path: Path) -> None:
    """For people too; near misses are counted for those who ask."""
    (tmp_path / "a").write_text(f"{_KEY}\n{spoil(_KEY)}")
    result = _scan("--verbose", tmp_path / "a")
    assert result.exit_code == 1
    assert "1 key in 1 place found in 1 file (103 bytes)." in result.stderr
    assert "wrong checksum: 1." in result.stderr
    assert mask_key(_KEY) in result.stdout
    assert fingerprint(_KEY) in result.stdout
    assert not shows_secret(result.output, _KEY)


def test_names_are_masked_and_harmless(tmp_path: Path) -> None:
    """A file's name may hold a key, or what a terminal obeys, or no text at all."""
    folder = os.fsencode(tmp_path)
    for name in (_KEY.encode(), b"\x1b[2J\xff"):
        Path(os.fsdecode(folder + b"/" + name)).write_text(_KEY)
    for output in ("table", "json"):
        result = _scan("--output", output, tmp_path)
        assert result.exit_code == 1
        assert "\x1b" not in result.output
        assert not shows_secret(result.output.replace("\n", ""), _KEY)


def test_unreadable_is_said_at_the_end(tmp_path: Path) -> None:
    """Exit code 2 though keys were found too: the scan proves nothing about the rest."""
    (tmp_path / "a").write_text(_KEY)
    result = _scan(tmp_path / "a", tmp_path / "gone", "/proc/self/mem")
    assert result.exit_code == 2
    assert f"tessera: {tmp_path}/gone: No such file or directory\n" in result.stderr
    assert "tessera: /proc/self/mem: Input/output error\n" in result.stderr
    assert result.stderr.endswith("Not everything was read: 2 problems above.\n")
    assert mask_key(_KEY) in result.stdout


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_forbidden_folder_is_said(tmp_path: Path) -> None:
    """A folder that cannot be listed counts as unread."""
    (tmp_path / "closed").mkdir(mode=0)
    result = _scan(tmp_path)
    assert result.exit_code == 2
    assert "closed: Permission denied" in result.stderr


def test_wrong_usage() -> None:
    """Exit code 2, and not the 1 of a found key."""
    assert _scan().exit_code == 2
    assert _scan("--output", "xml", ".").exit_code == 2


def test_standard_input() -> None:
    """`-` reads what cannot be read twice."""
    text = f"first\n {_KEY}\n".encode()
    done = subprocess.run((*_SCAN, "-"), input=text, capture_output=True, check=False, timeout=30)
    assert done.returncode == 1
    assert b"(standard input):2:2" in done.stdout
    assert b"scanning" not in done.stderr


def test_links_do_not_lead_out_of_the_tree(tmp_path: Path) -> None:
    """Neither a link to a file nor one to a folder is followed, unless it was named itself."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "a").write_text(_KEY)
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "file").symlink_to(tmp_path / "outside" / "a")
    (tmp_path / "tree" / "folder").symlink_to(tmp_path / "outside")
    os.mkfifo(tmp_path / "tree" / "pipe")
    assert _scan(tmp_path / "tree").exit_code == 0
    assert _scan(tmp_path / "tree" / "file").exit_code == 1
    assert _scan(tmp_path / "tree" / "folder").exit_code == 1


def test_named_pipe_is_read(tmp_path: Path) -> None:
    """As a shell hands over a command's output: `tessera keys scan <(kubectl logs ...)`."""
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_text, args=(_KEY,))
    writer.start()
    assert _scan(tmp_path / "pipe").exit_code == 1
    writer.join(timeout=10)


def test_a_path_named_twice_is_reported_once(tmp_path: Path) -> None:
    """So is a file that lies below another path."""
    (tmp_path / "a").write_text(_KEY)
    assert len(_findings(tmp_path, tmp_path, tmp_path / "a")) == 1


def test_many_files_are_shared_out_and_none_is_lost(tmp_path: Path) -> None:
    """Several processes find what one would, in the same order."""
    for number in range(1500):
        (tmp_path / f"{number:04}").write_text(make_key(number) if number % 100 == 0 else "-")
    found = [(Path(each["file"]).name, each["fingerprint"]) for each in _findings(tmp_path)]
    assert found == [(f"{n:04}", fingerprint(make_key(n))) for n in range(0, 1500, 100)]


def test_a_process_that_dies_is_said(tmp_path: Path) -> None:
    """Files that a killed process was reading count as unread: exit code 2."""
    with _stuck_scan(tmp_path) as scan:
        for worker in psutil.Process(scan.pid).children():
            worker.kill()
        _, stderr = scan.communicate(timeout=30)
    assert scan.returncode == 2
    assert b"a scanning process was killed" in stderr


def test_processes_do_not_outlive_a_killed_scan(tmp_path: Path) -> None:
    """Not even after `kill -9`, which nothing in the scan could notice."""
    with _stuck_scan(tmp_path) as scan:
        workers = psutil.Process(scan.pid).children()
        scan.kill()
        _, alive = psutil.wait_procs(workers, timeout=30)
    assert alive == []


def test_progress_is_for_long_scans() -> None:
    """Nothing in the first two seconds; then files, bytes and speed."""
    now, shown = [0.0], list[str]()
    meter = Meter(shown.append, lambda: now[0])
    meter.add(Report(files=1000, size_bytes=3_000_000))
    assert shown == []
    now[0] = 3.0
    meter.tick()
    meter.add_object(3_000_000)
    assert shown == [
        "1,000 files, 3.0 MB, 1.0 MB/s",
        "1,000 files, 1 git objects, 6.0 MB, 2.0 MB/s",
    ]


@contextmanager
def _stuck_scan(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A scan in several processes, one of which waits for a pipe that nobody writes to."""
    os.mkfifo(folder / "pipe")
    with (folder / "large").open("wb") as large:
        large.truncate(65 << 20)
    scan = subprocess.Popen(
        (*_SCAN, "--jobs", "2", str(folder / "pipe"), str(folder / "large")),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        wait_until(lambda: len(psutil.Process(scan.pid).children()) == 2, lambda: "no workers")
        yield scan
    finally:
        scan.kill()
        scan.communicate()
