"""`tessera processes`."""

import json

from proto.tessera.admin.v1.processes_pb2 import ListProcessesResponse
from tests.cli.admin.canned import CannedServer
from tests.cli.admin.conftest import Tessera
from tests.cli.admin.records import process


def test_processes_are_listed(server: CannedServer, tessera: Tessera) -> None:
    """Each with what it has applied, and whether it is heard of."""
    listed = [process("authz-1", 42), process("authz-2", 7, silent=True)]
    server.answer("ListProcesses", ListProcessesResponse(processes=listed, change_number=42))
    result = tessera("processes", "list")
    assert max(map(len, result.stdout.splitlines())) <= 100
    first, second = (line.split() for line in result.stdout.splitlines()[1:])
    assert first[:3] == ["authz-1", "42", "alive"]
    assert second[:3] == ["authz-2", "7", "silent"]
    assert "number 42" in result.stderr
    document = json.loads(tessera("processes", "list", "--output", "json").stdout)
    assert document["change_number"] == 42
    assert [each["silent"] for each in document["processes"]] == [False, True]


def test_a_process_that_refuses_everything_says_so(server: CannedServer, tessera: Tessera) -> None:
    """It holds up no revocation; the number that says so is for programs."""
    listed = [process("authz-1", 2**63 - 1)]
    server.answer("ListProcesses", ListProcessesResponse(processes=listed, change_number=42))
    assert "refuses all" in tessera("processes", "list").stdout
