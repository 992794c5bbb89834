"""How lists look on terminals."""

from pathlib import Path
from typing import Final

import pytest

from cli.admin.rows import Column, lay_out
from proto.tessera.admin.v1.accounts_pb2 import Account, ListAccountsResponse
from tests.cli.admin.canned import CannedServer
from tests.cli.admin.records import ACCOUNT, ACCOUNT_ID
from tests.cli.admin.terminal import on_a_terminal

_LIST = ("accounts", "list", "--state")
_COLUMNS: Final[tuple[Column[Account], ...]] = (
    Column("id", lambda account: account.id, 36),
    Column("name", lambda account: account.name),
)


@pytest.fixture
def listing(server: CannedServer) -> CannedServer:
    """A server with two pages of accounts."""
    pages = (ListAccountsResponse(accounts=[ACCOUNT], next_page_token="2"), ListAccountsResponse())
    pages[1].accounts.append(ACCOUNT)
    server.answer("ListAccounts", *pages)
    return server


@pytest.mark.usefixtures("listing")
def test_a_narrow_terminal_shows_value_below_value(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every value whole and named, where a table would break words or lose a column."""
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")
    lines = [line.split() for line in on_a_terminal(*_LIST, str(state)).splitlines()]
    assert lines[:5] == [
        ["id", ACCOUNT_ID],
        ["name", "Acme"],
        ["email", "ops@acme.example"],
        ["tier", "standard"],
        ["status", "active"],
    ]
    assert lines.count(["name", "Acme"]) == 2


@pytest.mark.usefixtures("listing")
def test_a_wide_terminal_shows_a_table(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row is a line."""
    monkeypatch.setenv("COLUMNS", "200")
    rows = [line for line in on_a_terminal(*_LIST, str(state)).splitlines() if ACCOUNT_ID in line]
    assert all("ops@acme.example" in row and "active" in row for row in rows)
    assert len(rows) == 2


@pytest.mark.parametrize(("width", "is_a_table"), [(46, True), (45, False), (200, True)])
def test_a_table_needs_room_for_every_column(width: int, *, is_a_table: bool) -> None:
    """Its fixed columns, the gaps, and a little for the one that takes what is left."""
    table = lay_out([ACCOUNT], _COLUMNS, width, show_header=True)
    assert (table.row_count == 1) is is_a_table
