"""`tessera keys issue|list|get|update|rotate`."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from google.protobuf.duration_pb2 import Duration

from proto.tessera.admin.v1.keys_pb2 import (
    GetKeyResponse,
    IssueKeyRequest,
    IssueKeyResponse,
    Key,
    ListKeysRequest,
    ListKeysResponse,
    RotateKeyRequest,
    RotateKeyResponse,
    UpdateKeyRequest,
    UpdateKeyResponse,
)
from tests.cli.admin.canned import CannedServer
from tests.cli.admin.conftest import Tessera
from tests.cli.admin.records import ACCOUNT_ID, KEY, KEY_ID, OLD_KEY_ID, at
from tests.cli.planted import make_key

_SECRET = make_key()
_ISSUE = ("keys", "issue", "--account", "Acme", "--name", "shop", "--environment", "prod")
_JSON = ("--output", "json")


@pytest.fixture
def issuing(server: CannedServer) -> CannedServer:
    """A server that issues a key."""
    server.answer("IssueKey", IssueKeyResponse(key=KEY, secret=_SECRET))
    return server


def test_a_key_is_issued_as_it_was_typed(issuing: CannedServer, tessera: Tessera) -> None:
    """Scopes, networks and expiry arrive; the JSON has the text, standard error has not."""
    options = ("--scope", "embeddings", "--network", "10.1.0.0/16", "--network", "::/0")
    limits = ("--requests-per-minute", "60", "--tokens-per-minute", "100000000000")
    result = tessera(*_ISSUE, *options, *limits, "--expires", "2030-01-31", *_JSON)
    (request,) = issuing.asked(IssueKeyRequest)
    assert (request.account, request.name, request.environment) == ("Acme", "shop", "prod")
    assert list(request.scopes) == ["embeddings"]
    assert list(request.networks) == ["10.1.0.0/16", "::/0"]
    assert (request.requests_per_minute, request.tokens_per_minute) == (60, 10**11)
    assert request.expire_time.ToDatetime(UTC) == datetime(2030, 1, 31, tzinfo=UTC)
    document = json.loads(result.stdout)
    assert (document["secret"], document["secret_file"]) == (_SECRET, None)
    assert document["key"]["id"] == KEY_ID
    assert _SECRET not in result.stderr


def test_a_key_may_expire_after_a_while(issuing: CannedServer, tessera: Tessera) -> None:
    """90d is ninety days from now."""
    before = datetime.now(UTC)
    tessera(*_ISSUE, "--expires", "90d", *_JSON)
    moment = issuing.asked(IssueKeyRequest)[0].expire_time.ToDatetime(UTC)
    assert before + timedelta(days=90) <= moment <= datetime.now(UTC) + timedelta(days=90)


def test_a_key_never_expires_by_itself(issuing: CannedServer, tessera: Tessera) -> None:
    """Nothing said is nothing sent."""
    tessera(*_ISSUE, *_JSON)
    assert not issuing.asked(IssueKeyRequest)[0].HasField("expire_time")


@pytest.mark.parametrize("text", ["soon", "2030-01-31T12:00", "10y", "-1d", ""])
def test_a_time_that_is_none_is_refused(tessera: Tessera, text: str) -> None:
    """With the forms there are, and as wrong usage."""
    result = tessera(*_ISSUE, f"--expires={text}")
    assert result.exit_code == 2
    assert "2030-01-31T12:00:00Z" in result.stderr


def test_a_keys_text_is_no_id(tessera: Tessera) -> None:
    """Who pastes it in the wrong place is told the right one, and it is not repeated."""
    for command in ("get", "revoke", "rotate", "update"):
        result = tessera("keys", command, _SECRET)
        assert result.exit_code == 2
        assert "revoke-leaked" in result.stderr
        assert _SECRET not in result.output


def test_an_id_that_is_none_is_refused(tessera: Tessera) -> None:
    """Before anything is asked."""
    result = tessera("keys", "get", "shop")
    assert result.exit_code == 2
    assert "tessera keys list" in result.stderr


def test_keys_are_listed(server: CannedServer, tessera: Tessera) -> None:
    """By their full ids, in 100 columns, filtered by the server."""
    used = Key(
        id=OLD_KEY_ID,
        status="KEY_STATUS_REVOKED",
        last_use_time=at(3),
        requests_per_minute=60,
        tokens_per_minute=100_000_000_000,
    )
    server.answer("ListKeys", ListKeysResponse(keys=[KEY, used]))
    listed = ("keys", "list", "--account", "Acme", "--status", "active", "--environment", "prod")
    shown = tessera(*listed).stdout
    (request,) = server.asked(ListKeysRequest)
    assert (request.account, request.status, request.environment) == ("Acme", 1, "prod")
    assert max(map(len, shown.splitlines())) <= 100
    for text in (KEY_ID, OLD_KEY_ID, "w9Qz", "revoked", "2026-05-04 03:30", "60 requests"):
        assert text in shown


def test_keys_of_all_accounts_are_listed_with_their_accounts(
    server: CannedServer, tessera: Tessera
) -> None:
    """Both ids in full, in 100 columns."""
    server.answer("ListKeys", ListKeysResponse(keys=[KEY]))
    shown = tessera("keys", "list").stdout
    assert max(map(len, shown.splitlines())) <= 100
    assert KEY_ID in shown
    assert ACCOUNT_ID in shown


def test_a_key_is_shown(server: CannedServer, tessera: Tessera) -> None:
    """Every field of it, a line each."""
    server.answer("GetKey", GetKeyResponse(key=KEY))
    shown = tessera("keys", "get", KEY_ID).stdout
    for text in (KEY_ID, ACCOUNT_ID, "10.1.0.0/16", "last use time", "2026-05-04T09:30:15Z"):
        assert text in shown


def test_only_what_is_typed_is_changed(server: CannedServer, tessera: Tessera) -> None:
    """Networks are replaced as a whole, and can be taken away."""
    server.answer("UpdateKey", UpdateKeyResponse(key=KEY))
    tessera("keys", "update", KEY_ID, "--network", "10.2.0.0/16", "--name", "web")
    tessera("keys", "update", KEY_ID, "--any-network")
    first, second = server.asked(UpdateKeyRequest)
    assert list(first.update_mask.paths) == ["name", "networks"]
    assert first.key == Key(id=KEY_ID, name="web", networks=["10.2.0.0/16"])
    assert list(second.update_mask.paths) == ["networks"]
    assert second.key == Key(id=KEY_ID)


def test_limits_are_set_and_taken_away(server: CannedServer, tessera: Tessera) -> None:
    """By a number, and by `none`."""
    server.answer("UpdateKey", UpdateKeyResponse(key=KEY))
    for option, typed, sent in (
        ("requests_per_minute", "60", 60),
        ("requests_per_minute", "none", 0),
        ("tokens_per_minute", "none", 0),
    ):
        tessera("keys", "update", KEY_ID, f"--{option.replace('_', '-')}", typed)
        request = server.asked(UpdateKeyRequest)[-1]
        assert list(request.update_mask.paths) == [option]
        assert request.key == Key(id=KEY_ID, **{option: sent})  # type: ignore[arg-type] # a limit


@pytest.mark.parametrize("typed", ["all", "0", "-1", "1.5", "", str(2**31), "9" * 40])
def test_a_limit_that_is_none_is_refused(tessera: Tessera, typed: str) -> None:
    """As wrong usage."""
    result = tessera("keys", "update", KEY_ID, f"--requests-per-minute={typed}")
    assert result.exit_code == 2
    assert "none" in result.stderr


def test_a_key_without_limits_of_its_own_says_so(server: CannedServer, tessera: Tessera) -> None:
    """Absent, and not 0, for programs and for people."""
    server.answer("GetKey", GetKeyResponse(key=KEY))
    assert (
        json.loads(tessera("keys", "get", KEY_ID, *_JSON).stdout)["key"]["tokens_per_minute"]
        is None
    )
    [line] = [
        each for each in tessera("keys", "get", KEY_ID).stdout.splitlines() if "tokens" in each
    ]
    assert line.split()[-1] == "-"


@pytest.mark.parametrize("options", [(), ("--any-network", "--network", "10.0.0.0/8")])
def test_a_change_that_says_nothing_or_two_things_is_refused(
    tessera: Tessera, options: tuple[str, ...]
) -> None:
    """As wrong usage."""
    assert tessera("keys", "update", KEY_ID, *options).exit_code == 2


@pytest.mark.parametrize(
    ("grace", "seconds"), [("0", 0), ("1h", 3600), ("24h", 86400), ("7d", 604800), ("90s", 90)]
)
def test_a_key_is_rotated(server: CannedServer, tessera: Tessera, grace: str, seconds: int) -> None:
    """The old key lives on for the grace period, and people are told until when."""
    replaced = Key(
        id=OLD_KEY_ID, status="KEY_STATUS_ACTIVE", expire_time=at(12), replaced_by=KEY_ID
    )
    server.answer("RotateKey", RotateKeyResponse(key=KEY, secret=_SECRET, replaced=replaced))
    result = tessera("keys", "rotate", OLD_KEY_ID, "--grace", grace, *_JSON)
    (request,) = server.asked(RotateKeyRequest)
    assert (request.id, request.grace) == (OLD_KEY_ID, Duration(seconds=seconds))
    assert request.HasField("grace")
    document = json.loads(result.stdout)
    assert document["secret"] == _SECRET
    assert document["replaced"]["replaced_by"] == KEY_ID
    assert f"{OLD_KEY_ID}, ends at 2026-05-04 12:30:15 UTC" in result.stderr


def test_a_day_is_the_grace_where_nothing_is_said(server: CannedServer, tessera: Tessera) -> None:
    """As the help says."""
    server.answer("RotateKey", RotateKeyResponse(key=KEY, secret=_SECRET))
    tessera("keys", "rotate", OLD_KEY_ID, *_JSON)
    assert server.asked(RotateKeyRequest)[0].grace.ToTimedelta() == timedelta(days=1)


def test_a_key_that_ends_at_once_has_ended(server: CannedServer, tessera: Tessera) -> None:
    """Without a grace period."""
    replaced = Key(id=OLD_KEY_ID, status="KEY_STATUS_REVOKED", expire_time=at(12))
    server.answer("RotateKey", RotateKeyResponse(key=KEY, secret=_SECRET, replaced=replaced))
    result = tessera("keys", "rotate", OLD_KEY_ID, "--grace", "0", *_JSON)
    assert f"{OLD_KEY_ID}, has ended" in result.stderr
