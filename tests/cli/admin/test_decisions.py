"""`tessera explain` and `tessera decisions`."""

import json
import re
from typing import Final

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc.error_details_pb2 import ResourceInfo

from authz.domain.decision import name_undecided
from authz.domain.undecided import UndecidedError
from authz.domain.verdict import Reason
from cli.admin.decision_sentences import tell
from cli.admin.reasons import EXPLANATIONS
from proto.tessera.admin.v1.decisions_pb2 import (
    Decision,
    DecisionLease,
    DecisionLimit,
    ExplainDecisionRequest,
    ExplainDecisionResponse,
    ListDecisionsRequest,
    ListDecisionsResponse,
)
from tests.cli.admin.canned import CannedServer, refusal
from tests.cli.admin.conftest import Tessera
from tests.cli.admin.records import ACCOUNT_ID, KEY_ID, at

_REQUEST: Final = "req_0f3a5c7e9b1d2f4a6c8e0b2d4f6a8c0e"
_LIMIT: Final = DecisionLimit(
    budget="account",
    dimension="tokens",
    limit=1_000_000,
    used=976_163,
    requested=70_716,
    wait_seconds=2.812,
)
_REFUSED: Final = Decision(
    request_id=_REQUEST,
    time=at(9),
    verdict="DECISION_VERDICT_REFUSED",
    reason="too_many_tokens",
    status=429,
    code="rate_limit_exceeded",
    retry_after_seconds=2.812,
    endpoint="embeddings",
    retry_count=2,
    account_id=ACCOUNT_ID,
    account_name="Acme Ltd",
    key_id=KEY_ID,
    key_name="shop",
    tokens=70_716,
    limit=_LIMIT,
    lease=DecisionLease(requests_left=40, tokens_left=20, ends_in_seconds=3.25),
    source="ledger",
    process="authz-1",
    directory_number=42,
    directory_age_seconds=0.4,
)


def _changed(**changes: object) -> Decision:
    decision = Decision()
    decision.CopyFrom(_REFUSED)
    for name in changes:
        decision.ClearField(name)
    decision.MergeFrom(Decision(**{n: v for n, v in changes.items() if v is not None}))  # type: ignore[arg-type]
    return decision


def test_a_refusal_is_told_in_sentences(server: CannedServer, tessera: Tessera) -> None:
    """What, by whom, why, what the client was told, what to do, and on what grounds."""
    server.answer("ExplainDecision", ExplainDecisionResponse(decision=_REFUSED))
    shown = tessera("explain", _REQUEST).stdout.splitlines()
    assert [each.id for each in server.asked(ExplainDecisionRequest)] == [_REQUEST]
    decided, why, told, advice, grounds, blank = shown[:6]
    assert decided == (
        f"{_REQUEST} was refused, by authz-1 at 2026-05-04 09:30:15 UTC; its client had tried 2"
        " times before."
    )
    assert why == (
        "Why: its account Acme Ltd had used up its tokens per minute (limit 1,000,000,"
        " used 976,163, requested 70,716 tokens per minute; it would have fitted 2.812 s later)."
    )
    assert told.endswith("status 429, code rate_limit_exceeded, to try again in 2.812 s.")
    assert advice == (
        "What to do: Nothing, if the client waits as it was told; else spread its requests, or"
        " give the account another tier: `tessera accounts update 'Acme Ltd' --tier TIER`."
    )
    assert grounds == (
        "By the ledger in PostgreSQL; its lease had 40 requests and 20 tokens left for 3.25 s;"
        " accounts and keys were at change 42, confirmed by PostgreSQL 0.4 s before."
    )
    assert blank == ""


def test_below_the_sentences_all_that_is_known_is_shown(
    server: CannedServer, tessera: Tessera
) -> None:
    """A row for each thing, and none for what there was not."""
    server.answer("ExplainDecision", ExplainDecisionResponse(decision=_changed(code=None)))
    shown = tessera("explain", _REQUEST).stdout.partition("\n\n")[2].splitlines()
    assert max(map(len, shown)) <= 100
    rows = dict(re.split(r"  +", line.strip(), maxsplit=1) for line in shown)
    assert (rows["limit"], rows["limit used"]) == ("1,000,000", "976,163")
    assert rows["lease tokens left"] == "20"
    assert rows["directory age seconds"] == "0.4"
    assert "code" not in rows


def test_a_program_gets_all_of_it(server: CannedServer, tessera: Tessera) -> None:
    """With null for what there was not."""
    decision = _changed(lease=None, retry_after_seconds=None)
    server.answer("ExplainDecision", ExplainDecisionResponse(decision=decision))
    told = json.loads(tessera("explain", _REQUEST, "--output", "json").stdout)["decision"]
    assert told["verdict"] == "refused"
    assert told["limit"]["used"] == 976_163
    assert told["lease"] is None
    assert told["retry_after_seconds"] is None
    assert told["directory_number"] == 42


def test_a_request_that_only_a_shadow_tier_let_pass_says_so() -> None:
    """The limit is told as if it had refused."""
    first, why, answer, *_ = tell(_changed(verdict="DECISION_VERDICT_SHADOW", status=200))
    assert "was let pass" in first
    assert "used up its tokens per minute" in why
    assert "status 200" in answer


def test_an_allowed_request_has_no_why() -> None:
    """But its grounds."""
    allowed = _changed(verdict="DECISION_VERDICT_ALLOWED", reason=None, limit=None, code=None)
    shown = list(tell(allowed))
    assert "was allowed" in shown[0]
    assert len(shown) == 3


def test_a_keys_own_limit_is_told_apart_from_its_accounts() -> None:
    """And what to do is about the key."""
    limit = DecisionLimit(budget="key", dimension="requests", limit=3, used=3, requested=1)
    _, why, _, advice, _ = tell(_changed(limit=limit, reason="too_many_requests"))
    assert "its key shop had used up its requests per minute (limit 3, used 3, requested 1" in why
    assert f"tessera keys update {KEY_ID} --requests-per-minute" in advice


def test_a_process_that_knew_nothing_says_so() -> None:
    """And a directory that nobody confirmed is not called fresh."""
    *_, never = tell(_changed(directory_number=None, directory_age_seconds=None, source=None))
    assert never == "The process knew no accounts and keys yet."
    *_, unconfirmed = tell(_changed(directory_age_seconds=None))
    assert "which PostgreSQL had not confirmed yet" in unconfirmed


def _kinds(kind: type[UndecidedError]) -> set[str]:
    return {name_undecided(each) for each in kind.__subclasses__()}


def test_every_reason_is_explained() -> None:
    """Each that the server can give, and no other; each with something to do."""
    assert set(EXPLANATIONS) == {reason.value for reason in Reason} | _kinds(UndecidedError)


@pytest.mark.parametrize("reason", [*EXPLANATIONS, "of a newer server"])
def test_every_explanation_can_be_told(reason: str) -> None:
    """Whether or not it is known whose request it was."""
    nobody = {"account_id": None, "account_name": None, "key_id": None, "key_name": None}
    for decision in (_changed(reason=reason), _changed(reason=reason, limit=None, **nobody)):
        shown = "\n".join(tell(decision))
        assert "{" not in shown
        assert "  " not in shown


def test_an_id_of_which_nothing_is_kept_says_why_that_may_be(
    server: CannedServer, tessera: Tessera
) -> None:
    """Too old, allowed, refused by Envoy, or too many; with where to look next."""
    missing = ResourceInfo(resource_type="decision", resource_name=_REQUEST)
    said = refusal(grpc.StatusCode.NOT_FOUND, "Nothing is kept.", "NOT_FOUND", missing)
    server.answer("ExplainDecision", said)
    result = tessera("explain", _REQUEST)
    assert (result.exit_code, result.stdout) == (1, "")
    for reason in ("older than 7 days", "sample", "tessera logs envoy", "not recorded"):
        assert reason in result.stderr


@pytest.mark.parametrize("text", ["req_1", "0f3a5c7e9b1d2f4a6c8e0b2d4f6a8c0e", _REQUEST.upper()])
def test_what_is_no_requests_id_is_refused_here(
    server: CannedServer, tessera: Tessera, text: str
) -> None:
    """Nobody is asked."""
    assert tessera("explain", text).exit_code == 2
    assert server.requests == []


def test_a_reason_that_there_is_not_is_refused_here(tessera: Tessera) -> None:
    """A slip would find nothing, as if nobody had been refused."""
    refused = tessera("decisions", "list", "--reason", "to_many_tokens")
    assert refused.exit_code == 2
    assert "too_many_tokens" in refused.stderr


def test_decisions_are_listed(server: CannedServer, tessera: Tessera) -> None:
    """The filters are the server's; an allowed one says so."""
    allowed = _changed(reason=None, status=200, account_name=None)
    server.answer("ListDecisions", ListDecisionsResponse(decisions=[_REFUSED, allowed]))
    words = ("--account", "Acme", "--reason", "too_many_tokens", "--verdict", "refused")
    result = tessera("decisions", "list", *words, "--from", "2026-05-01", "--limit", "5")
    (request,) = server.asked(ListDecisionsRequest)
    assert (request.account, request.reason, request.page_size) == ("Acme", "too_many_tokens", 5)
    assert request.verdict == 2
    assert request.start_time == Timestamp(seconds=1777593600)
    assert not request.HasField("end_time")
    lines = result.stdout.splitlines()
    assert max(map(len, lines)) <= 100
    assert _REQUEST in lines[1]
    assert "Acme Ltd" in lines[1]
    assert "too_many_tokens" in lines[1]
    assert "allowed" in result.stdout
