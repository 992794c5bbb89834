"""Every failure is one sentence that says what to do next, and an exit code."""

import os
from pathlib import Path

import grpc
import pytest
from google.rpc.error_details_pb2 import BadRequest, ResourceInfo, RetryInfo

from cli.admin.client import Client
from cli.admin.server import LocalServer
from cli.refusal import CommandError, Exit
from proto.tessera.admin.v1.accounts_pb2 import (
    GetAccountRequest,
    GetAccountResponse,
    SuspendAccountRequest,
    SuspendAccountResponse,
)
from tests.cli.admin.canned import CannedServer, Refusal, refusal
from tests.cli.admin.conftest import Tessera
from tests.cli.admin.records import ACCOUNT
from tests.cli.planted import make_key

_SUSPEND = ("accounts", "suspend", "Acme")
_GET = ("accounts", "get", "Acme")
_AWAY = Refusal(grpc.StatusCode.UNAVAILABLE, "Away.")


def _violations(*violations: tuple[str, str]) -> BadRequest:
    bad = BadRequest()
    for field, description in violations:
        bad.field_violations.add(field=field, description=description)
    return bad


def _retry(seconds: int) -> RetryInfo:
    retry = RetryInfo()
    retry.retry_delay.seconds = seconds
    return retry


_CASES = {
    "a field": (
        refusal(
            grpc.StatusCode.INVALID_ARGUMENT,
            "?",
            "INVALID_FIELDS",
            _violations(
                ("networks[1]", "is not a network"),
                ("tier.items_max", "must be given"),
                ("tier.models", "must be given"),
                ("page_token", "is of another list."),
            ),
        ),
        1,
        (
            "tessera: --network is not a network; --items-max, --model must be given;"
            " page_token is of another list\n"
        ),
    ),
    "no such thing": (
        refusal(
            grpc.StatusCode.NOT_FOUND,
            "There is no account Acme.",
            "NOT_FOUND",
            ResourceInfo(resource_type="account", resource_name="Acme"),
        ),
        1,
        "tessera: There is no account Acme; see `tessera accounts list`\n",
    ),
    "a name that is taken": (
        refusal(grpc.StatusCode.ALREADY_EXISTS, "The name is taken.", "ALREADY_EXISTS"),
        1,
        "tessera: The name is taken; choose another name\n",
    ),
    "a field that names something": (
        refusal(
            grpc.StatusCode.INVALID_ARGUMENT,
            "?",
            "INVALID_FIELDS",
            _violations(("account.tier", "is not the name of a tier."), ("tier.name", "is odd")),
        ),
        1,
        "tessera: --tier is not the name of a tier, see `tessera tiers list`; TIER is odd\n",
    ),
    "a mail that was refused": (
        refusal(
            grpc.StatusCode.FAILED_PRECONDITION,
            "Nothing was made, for the mail was refused: 550.",
            "MAIL_NOT_ACCEPTED",
        ),
        1,
        (
            "tessera: Nothing was made, for the mail was refused: 550; mend the address or what"
            " is wrong with the mail server, or make it with --no-key\n"
        ),
    ),
    "a state": (
        refusal(grpc.StatusCode.FAILED_PRECONDITION, "It is closed.", "PRECONDITION"),
        1,
        "tessera: It is closed\n",
    ),
    "busy": (
        refusal(grpc.StatusCode.RESOURCE_EXHAUSTED, "Too much at once.", "BUSY", _retry(7)),
        1,
        "tessera: Too much at once; try again in 7 s\n",
    ),
    "a role": (
        refusal(grpc.StatusCode.PERMISSION_DENIED, "Role portal may not.", "NOT_ALLOWED"),
        4,
        "tessera: Role portal may not; use the certificate of a role that may\n",
    ),
    "no identity": (
        refusal(grpc.StatusCode.UNAUTHENTICATED, "It does not say who calls.", "NOT_IDENTIFIED"),
        4,
        "tessera: It does not say who calls; make one that does with `tessera certs issue`\n",
    ),
    "too slow": (
        Refusal(grpc.StatusCode.DEADLINE_EXCEEDED, "?"),
        3,
        "tessera: The server did not answer in time; look whether it was done, then try again\n",
    ),
    "a bug": (
        refusal(grpc.StatusCode.INTERNAL, "Something went wrong here.", "INTERNAL"),
        1,
        "tessera: The server failed (Something went wrong here); its log says more\n",
    ),
    "an older server": (
        Refusal(grpc.StatusCode.UNIMPLEMENTED, "?"),
        1,
        (
            "tessera: The server does not know this call;"
            " it is older than this command, so update it\n"
        ),
    ),
}


@pytest.mark.parametrize("case", _CASES)
def test_a_failure_is_one_sentence(server: CannedServer, tessera: Tessera, case: str) -> None:
    """With options as they are typed, and what to do."""
    answer, exit_code, sentence = _CASES[case]
    server.answer("GetAccount", answer)
    result = tessera(*_GET)
    assert (result.exit_code, result.stderr, result.stdout) == (exit_code, sentence, "")
    assert len(server.requests) == 1


def test_a_server_that_was_away_is_asked_again(server: CannedServer, tessera: Tessera) -> None:
    """The same request with the same id, so that it is done once."""
    server.answer("SuspendAccount", _AWAY, _AWAY, SuspendAccountResponse(account=ACCOUNT))
    assert tessera(*_SUSPEND).exit_code == 0
    requests = server.asked(SuspendAccountRequest)
    assert len(requests) == 3
    assert len({each.request_id for each in requests}) == 1


def test_each_command_has_a_request_id_of_its_own(server: CannedServer, tessera: Tessera) -> None:
    """Typing it again is another request."""
    server.answer("SuspendAccount", SuspendAccountResponse(account=ACCOUNT))
    tessera(*_SUSPEND)
    tessera(*_SUSPEND)
    assert len({each.request_id for each in server.asked(SuspendAccountRequest)}) == 2


def test_a_server_that_stays_away_is_given_up(server: CannedServer, state: Path) -> None:
    """After five tries, with pauses that grow, or as long as the server asks for."""
    server.answer("GetAccount", _AWAY, refusal(_AWAY.code, "Away.", "AWAY", _retry(4)), _AWAY)
    local = LocalServer(state)
    waits: list[float] = []
    with grpc.insecure_channel(f"unix:{local.socket}") as channel:
        client = Client(channel, local, sleep=waits.append)
        with pytest.raises(CommandError, match="does not answer; see `tessera status") as raised:
            client.call(GetAccountRequest(), GetAccountResponse)
    assert raised.value.exit_code is Exit.UNREACHABLE
    assert (waits, len(server.requests)) == ([0.2, 4.0, 1.0, 2.0], 5)


def test_every_call_has_a_deadline(server: CannedServer, tessera: Tessera) -> None:
    """Nobody waits for ever."""
    server.answer("GetAccount", GetAccountResponse(account=ACCOUNT))
    tessera(*_GET)
    (seconds,) = server.deadlines
    assert seconds is not None
    assert 0 < seconds < 60


def test_no_stack(tessera: Tessera, state: Path) -> None:
    """What to start, or what to say."""
    result = tessera(*_GET)
    assert result.exit_code == 3
    assert f"start one with `tessera up --detach --state {state}`, or" in result.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root may enter every folder")
def test_the_stack_of_another_user(tessera: Tessera, state: Path) -> None:
    """It may well run, so it is not said that none does."""
    state.chmod(0o500)
    result = tessera(*_GET)
    state.chmod(0o700)
    assert result.exit_code == 4
    assert f"{state} is another user's" in result.stderr


def test_a_failure_never_repeats_a_key(server: CannedServer, tessera: Tessera) -> None:
    """Nor does it command the terminal, whatever the server says."""
    key = make_key()
    message = f"There is no account \x1b[2J{key}."
    server.answer("GetAccount", refusal(grpc.StatusCode.NOT_FOUND, message, "NOT_FOUND"))
    result = tessera(*_GET)
    assert key not in result.output
    assert "\x1b" not in result.output


def test_details_that_cannot_be_read_are_no_failure_of_their_own(
    server: CannedServer, tessera: Tessera
) -> None:
    """The status is enough."""
    server.answer(
        "GetAccount",
        refusal(grpc.StatusCode.NOT_FOUND, "None.", "\udcff".encode("utf-8", "replace").decode()),
    )
    assert tessera(*_GET).stderr == "tessera: None\n"
