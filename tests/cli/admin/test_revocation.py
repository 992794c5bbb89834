"""`tessera keys revoke` and `revoke-leaked`."""

import json
from pathlib import Path

import grpc
import pytest

from proto.tessera.admin.v1.keys_pb2 import (
    RevokeKeyRequest,
    RevokeKeyResponse,
    RevokeLeakedKeyRequest,
    RevokeLeakedKeyResponse,
)
from proto.tessera.admin.v1.processes_pb2 import ListProcessesResponse
from tests.cli.admin.canned import CannedServer, refusal
from tests.cli.admin.conftest import Tessera
from tests.cli.admin.records import KEY, KEY_ID, process
from tests.cli.admin.terminal import on_a_terminal
from tests.cli.planted import make_key, spoil

_SECRET = make_key()
_REVOKE = ("keys", "revoke", KEY_ID)
_LEAKED = ("keys", "revoke-leaked", "--found-at", "https://paste.example/1")
_COMMITTED = RevokeKeyResponse(key=KEY, change_number=42)
_EVERYWHERE = RevokeKeyResponse(key=KEY, change_number=42, refused_everywhere=True)
_LATE = RevokeKeyResponse(key=KEY, change_number=42, laggards=[process("authz-2", 41, silent=True)])
_PROCESSES = ListProcessesResponse(
    processes=[process("authz-1", 42), process("authz-2", 41, silent=True)], change_number=42
)
_ALL_KNOW = ListProcessesResponse(processes=[process("authz-1", 42), process("authz-2", 43)])


def test_a_key_is_revoked(server: CannedServer, tessera: Tessera) -> None:
    """At once, without asking who knows."""
    server.answer("RevokeKey", _COMMITTED)
    result = tessera(*_REVOKE, "--reason", "laptop stolen")
    assert result.exit_code == 0
    (request,) = server.asked(RevokeKeyRequest)
    assert (request.id, request.reason, request.wait) == (KEY_ID, "laptop stolen", False)
    assert KEY_ID in result.stdout


def test_the_wait_comes_after_the_revocation_and_is_the_same_request(
    server: CannedServer, tessera: Tessera
) -> None:
    """Nothing comes before the revocation, and nothing is revoked or audited twice."""
    server.answer("RevokeKey", _COMMITTED, _LATE, _EVERYWHERE)
    server.answer("ListProcesses", _PROCESSES, _ALL_KNOW)
    result = tessera(*_REVOKE, "--wait")
    assert result.exit_code == 0
    asked = server.asked(RevokeKeyRequest)
    assert [each.wait for each in asked] == [False, True, True]
    assert len({each.request_id for each in asked}) == 1
    assert server.requests[0] is asked[0]
    assert "1 of 2 processes refuse the key; waiting for authz-2" in result.stderr
    assert result.stderr.endswith("every process refuses it.\n")
    assert [line.split()[0] for line in result.stdout.splitlines()] == [
        "process",
        "authz-1",
        "authz-2",
    ]


def test_laggards_are_named_with_the_time_from_which_they_answer_nobody(
    server: CannedServer, tessera: Tessera
) -> None:
    """The key is revoked, but not everywhere: exit code 5."""
    server.answer("RevokeKey", _COMMITTED, _LATE)
    server.answer("ListProcesses", _PROCESSES)
    result = tessera(*_REVOKE, "--wait", "--timeout", "0")
    assert result.exit_code == 5
    assert "authz-2 (certainly from 2026-05-04 11:30:15 UTC)" in result.stderr
    assert "not known; certainly from 2026-05-04 11:30:15 UTC" in result.stdout
    assert "refused" in result.stdout


def test_who_lags_behind_a_later_change_alone_is_no_laggard(
    server: CannedServer, tessera: Tessera
) -> None:
    """Asked again, the server goes by the newest change; whoever knows of ours refuses the key."""
    later = RevokeKeyResponse(key=KEY, change_number=50, laggards=[process("authz-2", 45)])
    server.answer("RevokeKey", _COMMITTED, later)
    server.answer("ListProcesses", _ALL_KNOW)
    assert tessera(*_REVOKE, "--wait").exit_code == 0


def test_a_program_learns_who_knows(server: CannedServer, tessera: Tessera) -> None:
    """Laggards, and every process with the change that it has applied."""
    server.answer("RevokeKey", _COMMITTED, _LATE)
    server.answer("ListProcesses", _PROCESSES)
    result = tessera(*_REVOKE, "--wait", "--timeout", "0", "--output", "json")
    assert result.exit_code == 5
    document = json.loads(result.stdout)
    assert (document["change_number"], document["refused_everywhere"]) == (42, False)
    assert [each["name"] for each in document["laggards"]] == ["authz-2"]
    assert [each["change_number"] for each in document["processes"]] == [42, 41]


def test_who_may_not_see_processes_can_wait_for_them(
    server: CannedServer, tessera: Tessera
) -> None:
    """A role that revokes need not be one that looks at processes."""
    server.answer("RevokeKey", _COMMITTED, _LATE, _EVERYWHERE)
    server.answer(
        "ListProcesses", refusal(grpc.StatusCode.PERMISSION_DENIED, "Not for you.", "NOT_ALLOWED")
    )
    result = tessera(*_REVOKE, "--wait")
    assert (result.exit_code, result.stdout) == (0, "")


def test_a_wait_that_fails_does_not_hide_the_revocation(
    server: CannedServer, tessera: Tessera
) -> None:
    """It was done, whatever comes after."""
    server.answer("RevokeKey", _COMMITTED, refusal(grpc.StatusCode.INTERNAL, "Oh.", "INTERNAL"))
    result = tessera(*_REVOKE, "--wait")
    assert result.exit_code == 5
    assert "The key is revoked, but who knows it could not be learnt" in result.stderr


def test_a_leaked_key_is_revoked_by_its_text(server: CannedServer, tessera: Tessera) -> None:
    """From standard input; the output does not repeat it."""
    server.answer("RevokeLeakedKey", RevokeLeakedKeyResponse(known=True, key=KEY))
    result = tessera(*_LEAKED, "--reporter", "bob", typed=f"  {_SECRET}\n")
    assert result.exit_code == 0
    (request,) = server.asked(RevokeLeakedKeyRequest)
    assert (request.secret, request.found_at) == (_SECRET, "https://paste.example/1")
    assert request.reporter == "bob"
    assert KEY_ID in result.stdout
    assert _SECRET not in result.output


def test_an_unknown_text_is_no_success(server: CannedServer, tessera: Tessera) -> None:
    """Nothing was revoked, so the exit code is not 0."""
    server.answer("RevokeLeakedKey", RevokeLeakedKeyResponse())
    result = tessera(*_LEAKED, typed=_SECRET)
    assert result.exit_code == 1
    assert "No key of this server" in result.stderr


@pytest.mark.parametrize("text", ["", "AKIAIOSFODNN7EXAMPLE", spoil(_SECRET), f"{_SECRET} x"])
def test_what_is_no_key_is_not_sent(server: CannedServer, tessera: Tessera, text: str) -> None:
    """It may be another system's secret."""
    result = tessera(*_LEAKED, typed=text)
    assert (result.exit_code, server.requests) == (1, [])
    assert not text or text not in result.output


def test_a_leaked_key_is_no_argument(tessera: Tessera) -> None:
    """Every process of a machine sees those."""
    result = tessera(*_LEAKED, _SECRET)
    assert result.exit_code == 2


def test_a_terminal_does_not_echo_what_is_typed(server: CannedServer, state: Path) -> None:
    """The text is asked for, and not shown."""
    server.answer("RevokeLeakedKey", RevokeLeakedKeyResponse(known=True, key=KEY))
    shown = on_a_terminal(*_LEAKED, "--state", str(state), typed=_SECRET, prompt="Key's text: ")
    assert server.asked(RevokeLeakedKeyRequest)[0].secret == _SECRET
    assert _SECRET not in shown


def test_a_terminal_shows_who_is_waited_for(server: CannedServer, state: Path) -> None:
    """In place, while it waits."""
    server.answer("RevokeKey", _COMMITTED, _LATE, _EVERYWHERE)
    server.answer("ListProcesses", _PROCESSES, _ALL_KNOW)
    shown = on_a_terminal(*_REVOKE, "--wait", "--state", str(state))
    assert "1 of 2 processes refuse the key; waiting for authz-2" in shown
    assert "every process refuses it" in shown
