"""`tessera pepper`."""

import fcntl
import json
import os
import stat
from pathlib import Path

import grpc
import pytest
from typer.testing import CliRunner, Result

from authz.domain.pepper import Peppers
from cli.main import app
from proto.tessera.admin.v1.peppers_pb2 import (
    GetPepperStatusResponse,
    Pepper,
    RetirePepperRequest,
    RetirePepperResponse,
    RotatePepperRequest,
    RotatePepperResponse,
)
from tests.cli.admin.canned import CannedServer, refusal
from tests.cli.admin.conftest import Tessera
from tests.cli.admin.records import at, process

_FIRST = "5e" * 32
_PEPPERS = [
    Pepper(id="1f9a02c7", status="PEPPER_STATUS_CURRENT", since=at(2), keys=1234),
    Pepper(id="aabbccdd", status="PEPPER_STATUS_NEW"),
]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A pepper file."""
    path = tmp_path / "pepper"
    path.write_text(f"# the first\n{_FIRST}")
    return path


def _add(file: Path) -> Result:
    return CliRunner().invoke(app, ["pepper", "add", "--file", str(file)])


def test_a_pepper_is_added_after_the_others(file: Path) -> None:
    """The servers read what is written, know it by the id that was said, and nobody else may."""
    file.chmod(0o644)
    result = _add(file)
    assert result.exit_code == 0
    peppers = Peppers.parse(file.read_text())
    assert peppers.ids[-1] == peppers.newest.id == result.stdout.strip()
    assert len(peppers.ids) == 2
    assert file.read_text().startswith(f"# the first\n{_FIRST}\n")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_text().splitlines()[-1] not in result.output
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can write for somebody else")
def test_the_file_stays_its_owners(file: Path) -> None:
    """Whoever adds a pepper as root would else take the file from the service that reads it."""
    os.chown(file, 4711, -1)
    assert _add(file).exit_code == 0
    assert file.stat().st_uid == 4711


def test_a_link_stays_a_link(file: Path) -> None:
    """What it leads to is replaced."""
    link = file.with_name("link")
    link.symlink_to(file)
    assert _add(link).exit_code == 0
    assert link.is_symlink()
    assert len(Peppers.parse(file.read_text()).ids) == 2


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f"{_FIRST}\nhello\n", "line 2 is not 32 bytes in hex"),
        ("# none\n", "there is no pepper in it"),
        ("", "there is no pepper in it"),
    ],
)
def test_another_file_is_left_alone(file: Path, text: str, says: str) -> None:
    """Somebody named it by mistake; what is in it is not repeated."""
    file.write_text(text)
    result = _add(file)
    assert (result.exit_code, file.read_text()) == (1, text)
    assert says in result.stderr
    assert _FIRST not in result.output


def test_a_file_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    """A typo must not look like success."""
    result = _add(tmp_path / "peper")
    assert result.exit_code == 1
    assert "There is no" in result.stderr


def test_two_do_not_write_at_once(file: Path) -> None:
    """One pepper would be lost."""
    descriptor = os.open(file.parent, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        result = _add(file)
    finally:
        os.close(descriptor)
    assert result.exit_code == 1
    assert "try again" in result.stderr


def test_the_status_tells_who_knows_what(server: CannedServer, tessera: Tessera) -> None:
    """How many keys need a pepper, and how many processes know it."""
    response = GetPepperStatusResponse(
        peppers=_PEPPERS, processes=[process("authz-1", 1), process("authz-2", 1)]
    )
    server.answer("GetPepperStatus", response)
    shown = tessera("pepper", "status").stdout
    assert max(map(len, shown.splitlines())) <= 100
    _, current, new, *_ = (line.split() for line in shown.splitlines())
    assert current[:6] == ["1f9a02c7", "current", "1,234", "2", "of", "2"]
    assert new[:6] == ["aabbccdd", "new", "0", "0", "of", "2"]
    document = json.loads(tessera("pepper", "status", "--output", "json").stdout)
    assert [each["status"] for each in document["peppers"]] == ["current", "new"]
    assert document["peppers"][1]["since"] is None


def test_keys_are_wrapped_under_the_newest(server: CannedServer, tessera: Tessera) -> None:
    """Again with the same request where the server was away: it goes on."""
    half = RotatePepperResponse(wrapped=500, total=1234)
    done = RotatePepperResponse(wrapped=1234, total=1234, done=True, pepper_id="aabbccdd")
    away = refusal(grpc.StatusCode.UNAVAILABLE, "The database does not answer.", "DATABASE")
    server.answer("RotatePepper", away, [half, done])
    result = tessera("pepper", "rotate")
    assert result.stdout == "Pepper aabbccdd is current; 1,234 keys were wrapped.\n"
    first, second = server.asked(RotatePepperRequest)
    assert first == second
    assert json.loads(tessera("pepper", "rotate", "--output", "json").stdout)["done"] is True


def test_a_rotation_that_stopped_is_no_success(server: CannedServer, tessera: Tessera) -> None:
    """It is to be started again."""
    server.answer("RotatePepper", [RotatePepperResponse(wrapped=1, total=2)])
    result = tessera("pepper", "rotate")
    assert result.exit_code == 1
    assert "start it again" in result.stderr


def test_a_pepper_is_retired(server: CannedServer, tessera: Tessera) -> None:
    """By its id."""
    retired = Pepper(id="1f9a02c7", status="PEPPER_STATUS_RETIRED")
    server.answer("RetirePepper", RetirePepperResponse(pepper=retired))
    result = tessera("pepper", "retire", "1f9a02c7")
    assert "retired" in result.stdout
    assert server.asked(RetirePepperRequest)[0].id == "1f9a02c7"
