"""`tessera accounts`."""

import json

import pytest

from proto.tessera.admin.v1.accounts_pb2 import (
    Account,
    CreateAccountRequest,
    CreateAccountResponse,
    FirstKey,
    GetAccountResponse,
    ListAccountsRequest,
    ListAccountsResponse,
    ResumeAccountRequest,
    ResumeAccountResponse,
    SuspendAccountRequest,
    SuspendAccountResponse,
    UpdateAccountRequest,
    UpdateAccountResponse,
)
from tests.cli.admin.canned import CannedServer
from tests.cli.admin.conftest import Tessera
from tests.cli.admin.records import ACCOUNT, ACCOUNT_ID, KEY

_CREATE = ("accounts", "create", "--name", "Acme", "--email", "ops@acme.example", "--tier", "trial")


@pytest.fixture
def created(server: CannedServer) -> CannedServer:
    """A server that makes an account."""
    response = CreateAccountResponse(account=ACCOUNT, first_key=KEY)
    server.answer("CreateAccount", response)
    return server


def test_an_account_is_made_with_a_first_key(created: CannedServer, tessera: Tessera) -> None:
    """What was typed arrives, and people are told where the key went."""
    result = tessera(*_CREATE, "--key-name", "shop", "--environment", "staging")
    assert result.exit_code == 0
    (request,) = created.asked(CreateAccountRequest)
    request_id, request.request_id = request.request_id, ""
    assert request == CreateAccountRequest(
        name="Acme",
        email="ops@acme.example",
        tier="trial",
        first_key=FirstKey(name="shop", environment="staging"),
    )
    assert len(request_id) == 36
    assert ACCOUNT_ID in result.stdout
    assert "mailed to ops@acme.example" in result.stderr


def test_an_account_is_made_without_a_key(created: CannedServer, tessera: Tessera) -> None:
    """`--no-key` asks for none, and tells of none."""
    result = tessera(*_CREATE, "--no-key")
    assert not created.asked(CreateAccountRequest)[0].HasField("first_key")
    assert result.stderr == ""


def test_a_first_key_needs_its_default_names(created: CannedServer, tessera: Tessera) -> None:
    """Without options there is a first key all the same."""
    tessera(*_CREATE)
    assert created.asked(CreateAccountRequest)[0].HasField("first_key")


def test_options_of_a_key_that_is_not_made_are_refused(tessera: Tessera) -> None:
    """They contradict each other."""
    result = tessera(*_CREATE, "--no-key", "--environment", "dev")
    assert result.exit_code == 2
    assert "--no-key" in result.stderr


def test_a_program_gets_the_whole_answer(created: CannedServer, tessera: Tessera) -> None:
    """Snake case, RFC 3339, words for enums, null for what is absent."""
    document = json.loads(tessera(*_CREATE, "--output", "json").stdout)
    assert document["account"] == {
        "id": ACCOUNT_ID,
        "name": "Acme",
        "email": "ops@acme.example",
        "tier": "standard",
        "status": "active",
        "create_time": "2026-05-04T08:30:15Z",
    }
    assert document["first_key"]["expire_time"] is None
    assert document["first_key"]["replaces"] is None
    assert document["first_key"]["scopes"] == ["embeddings"]


def test_every_page_is_fetched(server: CannedServer, tessera: Tessera) -> None:
    """Filters stay as they are, tokens are followed to the end."""
    server.answer(
        "ListAccounts",
        ListAccountsResponse(accounts=[ACCOUNT], next_page_token="2"),
        ListAccountsResponse(accounts=[Account(name="Beta")], next_page_token="3"),
        ListAccountsResponse(),
    )
    result = tessera("accounts", "list", "--status", "active", "--search", "a", "--output", "json")
    assert [each["name"] for each in json.loads(result.stdout)["accounts"]] == ["Acme", "Beta"]
    asked = server.asked(ListAccountsRequest)
    assert [each.page_token for each in asked] == ["", "2", "3"]
    assert {(each.search, each.status, each.page_size) for each in asked} == {("a", 1, 1000)}


def test_no_more_than_the_limit_is_fetched(server: CannedServer, tessera: Tessera) -> None:
    """Neither shown, nor asked for."""
    server.answer(
        "ListAccounts", ListAccountsResponse(accounts=[ACCOUNT, ACCOUNT], next_page_token="2")
    )
    result = tessera("accounts", "list", "--limit", "3", "--output", "json")
    assert len(json.loads(result.stdout)["accounts"]) == 3
    assert [each.page_size for each in server.asked(ListAccountsRequest)] == [3, 1]


def test_a_list_fits_a_terminal_and_shows_full_ids(server: CannedServer, tessera: Tessera) -> None:
    """100 columns, one heading over all pages, long names folded and not cut."""
    long = Account(
        id=ACCOUNT_ID,
        name="n" * 200,
        email=f"{'e' * 80}@acme.example",
        status="ACCOUNT_STATUS_SUSPENDED",
    )
    server.answer(
        "ListAccounts",
        ListAccountsResponse(accounts=[ACCOUNT], next_page_token="2"),
        ListAccountsResponse(accounts=[long]),
    )
    shown = tessera("accounts", "list").stdout
    assert max(map(len, shown.splitlines())) <= 100
    assert (shown.count("status"), shown.count(ACCOUNT_ID)) == (1, 2)
    assert (
        shown.count("n") - shown.splitlines()[0].count("n") - shown.splitlines()[1].count("n")
        >= 200
    )
    assert "suspended" in shown


def test_an_empty_list_is_said_so(server: CannedServer, tessera: Tessera) -> None:
    """People read a sentence; programs get an empty array."""
    server.answer("ListAccounts", ListAccountsResponse())
    assert tessera("accounts", "list").stderr == "There are no accounts.\n"
    assert json.loads(tessera("accounts", "list", "--output", "json").stdout) == {"accounts": []}


def test_names_cannot_command_the_terminal(server: CannedServer, tessera: Tessera) -> None:
    """Whatever a customer calls itself is shown as text."""
    server.answer("GetAccount", GetAccountResponse(account=Account(name="\x1b[2J[red]x")))
    shown = tessera("accounts", "get", "x").stdout
    assert "\x1b" not in shown
    assert r"\x1b[2J[red]x" in shown


def test_only_what_is_typed_is_changed(server: CannedServer, tessera: Tessera) -> None:
    """The mask names it; an account that is named is looked up, for changes go by id."""
    server.answer("GetAccount", GetAccountResponse(account=ACCOUNT))
    server.answer("UpdateAccount", UpdateAccountResponse(account=ACCOUNT))
    tessera("accounts", "update", "Acme", "--tier", "scale", "--status", "closed")
    (request,) = server.asked(UpdateAccountRequest)
    assert list(request.update_mask.paths) == ["tier", "status"]
    assert request.account == Account(id=ACCOUNT_ID, tier="scale", status="ACCOUNT_STATUS_CLOSED")


def test_a_change_of_nothing_is_refused(tessera: Tessera) -> None:
    """Before anything is asked."""
    result = tessera("accounts", "update", ACCOUNT_ID)
    assert result.exit_code == 2
    assert "Say what to change" in result.stderr


def test_an_account_is_suspended_and_resumed(server: CannedServer, tessera: Tessera) -> None:
    """With a reason for the audit."""
    server.answer("SuspendAccount", SuspendAccountResponse(account=ACCOUNT))
    server.answer("ResumeAccount", ResumeAccountResponse(account=ACCOUNT))
    assert tessera("accounts", "suspend", "Acme", "--reason", "unpaid").exit_code == 0
    assert tessera("accounts", "resume", "Acme", "--reason", "paid").exit_code == 0
    assert server.asked(SuspendAccountRequest)[0].reason == "unpaid"
    assert server.asked(ResumeAccountRequest)[0].reason == "paid"
