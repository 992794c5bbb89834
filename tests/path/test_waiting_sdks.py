"""What the official SDKs do when they are refused: how often they ask again, and how soon."""

import pytest

from stack.launch import RunningStack
from tests.customers import open_account, open_suspended_account, open_tier
from tests.path.sdks import RETRIES, Outcome, Refusal, Sdk, call, node, python

_TEXT = "hello " * 198  # 200 tokens

each_sdk = pytest.mark.parametrize("sdk", [python, node], ids=["python", "node"])


def _assert_waited(outcome: Outcome) -> None:
    """A refusal by the ledger may come a moment late, so the rest of a wait may be told apart."""
    refused = outcome.statuses.count(429)
    assert 1 <= refused <= RETRIES, outcome
    assert (outcome.statuses, outcome.refusal) == ([429] * refused + [200], None)
    assert not outcome.came_too_soon, outcome


@each_sdk
def test_a_call_without_room_for_a_request_waits_and_succeeds(
    stack: RunningStack, sdk: Sdk
) -> None:
    """For as long as it was told and no less; then there is room."""
    key = open_account(stack, tier=open_tier(stack, requests_per_minute=60))
    outcome = call(sdk, stack, key)
    _assert_waited(outcome)


@each_sdk
def test_a_call_without_room_for_its_tokens_waits_and_succeeds(
    stack: RunningStack, sdk: Sdk
) -> None:
    """The same where the tokens are what is short."""
    key = open_account(stack, tier=open_tier(stack, tokens_per_minute=6000))
    outcome = call(sdk, stack, key, _TEXT)
    _assert_waited(outcome)


@each_sdk
def test_a_call_with_a_key_that_is_limited_waits_and_succeeds(
    stack: RunningStack, sdk: Sdk
) -> None:
    """The same where the key is short, and its account is not."""
    outcome = call(sdk, stack, open_account(stack, requests_per_minute=60))
    _assert_waited(outcome)


@each_sdk
def test_a_spent_month_is_asked_once(stack: RunningStack, sdk: Sdk) -> None:
    """Nothing that an SDK can wait for helps."""
    key = open_account(stack, tier=open_tier(stack, tokens_per_month=1000))
    outcome = call(sdk, stack, key, _TEXT)
    assert outcome.statuses == [429]
    assert outcome.refusal == Refusal("RateLimitError", 429, "insufficient_quota")


@each_sdk
def test_a_suspended_account_asks_once(stack: RunningStack, sdk: Sdk) -> None:
    """Somebody has to resume it."""
    outcome = call(sdk, stack, open_suspended_account(stack))
    assert outcome.statuses == [403]
    assert outcome.refusal == Refusal("PermissionDeniedError", 403, "account_suspended")


@each_sdk
def test_a_request_that_never_fits_is_asked_once(stack: RunningStack, sdk: Sdk) -> None:
    """It holds more tokens than a whole minute allows."""
    key = open_account(stack, tier=open_tier(stack, tokens_per_minute=199))
    outcome = call(sdk, stack, key, _TEXT)
    assert outcome.statuses == [429]
    assert outcome.refusal == Refusal("RateLimitError", 429, "rate_limit_exceeded")
