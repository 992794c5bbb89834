"""`tessera audit`."""

import json

import pytest

from proto.tessera.admin.v1.audit_pb2 import (
    AuditEntry,
    ListAuditEntriesRequest,
    ListAuditEntriesResponse,
    VerifyAuditResponse,
)
from tests.cli.admin.canned import CannedServer
from tests.cli.admin.conftest import Tessera
from tests.cli.admin.records import KEY_ID, at

_ENTRY = AuditEntry(
    number=7,
    time=at(9),
    actor="alice",
    role="owner",
    address="10.0.0.7",
    method="/tessera.admin.v1.KeyService/RevokeKey",
    subject_kind="key",
    subject=KEY_ID,
    request_id="11111111-2222-4333-8444-555555555555",
    before='{"status": "active"}',
    after='{"status": "revoked", "reason": "laptop stolen"}',
    hash=b"\x01\x02",
)
_HALF = VerifyAuditResponse(verified=5, total=10)


def test_entries_are_listed(server: CannedServer, tessera: Tessera) -> None:
    """When, who, what and about which, in 100 columns."""
    server.answer("ListAuditEntries", ListAuditEntriesResponse(entries=[_ENTRY]))
    shown = tessera("audit", "list", "--subject", KEY_ID, "--actor", "alice", "--limit", "5").stdout
    (request,) = server.asked(ListAuditEntriesRequest)
    assert (request.subject, request.actor, request.page_size) == (KEY_ID, "alice", 5)
    assert max(map(len, shown.splitlines())) <= 100
    for text in ("2026-05-04 09:30:15", "alice", "RevokeKey", KEY_ID):
        assert text in shown


def test_a_program_gets_what_was_and_what_is_as_objects(
    server: CannedServer, tessera: Tessera
) -> None:
    """And hashes in hexadecimal."""
    made = AuditEntry(number=1, after="{}")
    server.answer("ListAuditEntries", ListAuditEntriesResponse(entries=[_ENTRY, made]))
    entries = json.loads(tessera("audit", "list", "--output", "json").stdout)["entries"]
    assert entries[0]["after"] == {"status": "revoked", "reason": "laptop stolen"}
    assert entries[0]["hash"] == "0102"
    assert entries[1]["before"] is None


def test_a_whole_chain_is_said_to_be_whole(server: CannedServer, tessera: Tessera) -> None:
    """With the head to write down."""
    whole = VerifyAuditResponse(verified=10, total=10, done=True, head=b"\xab\xcd")
    server.answer("VerifyAudit", [_HALF, whole])
    result = tessera("audit", "verify")
    assert result.exit_code == 0
    assert result.stdout == "All 10 entries are as they were written.\nhead  abcd\n"
    document = json.loads(tessera("audit", "verify", "--output", "json").stdout)
    assert document == {
        "verified": 10,
        "total": 10,
        "fault": None,
        "fault_number": None,
        "head": "abcd",
    }


@pytest.mark.parametrize("output", ["table", "json"])
def test_a_fault_is_named(server: CannedServer, tessera: Tessera, output: str) -> None:
    """Exit code 1, for programs too."""
    fault = VerifyAuditResponse(
        verified=5, total=10, done=True, fault="The entry was altered.", fault_number=6
    )
    server.answer("VerifyAudit", [_HALF, fault])
    result = tessera("audit", "verify", "--output", output)
    assert result.exit_code == 1
    assert "entry 6: The entry was altered" in result.stderr
    if output == "json":
        assert json.loads(result.stdout)["fault_number"] == 6


def test_half_a_chain_is_no_success(server: CannedServer, tessera: Tessera) -> None:
    """A server that stops in the middle has proved nothing."""
    server.answer("VerifyAudit", [_HALF])
    result = tessera("audit", "verify")
    assert (result.exit_code, result.stdout) == (1, "")
