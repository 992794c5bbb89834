"""What a report says, and how each of its findings is dealt with."""

import asyncio
import json
import secrets
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.keys import mint_key
from leaks.receive import NotRevokedError, Outcome, Receiver
from leaks.refusals import Refusal
from leaks.report import Finding, parse_report
from tests.leaks.signing import report_of

_KEY = mint_key(secrets.randbelow)


def _read(**fields: object) -> Finding:
    body = json.dumps([{"token": _KEY, "type": "t"} | fields]).encode()
    findings = parse_report(body)
    assert not isinstance(findings, Refusal)
    return findings[0]


@pytest.mark.parametrize(
    ("fields", "found_at"),
    [
        ({"url": "https://github.com/a", "source": "content"}, "https://github.com/a"),
        ({"url": "", "source": "Npm"}, "GitHub: Npm"),
        ({"url": None, "source": None}, "GitHub"),
        ({}, "GitHub"),
        ({"url": 7, "source": ["x"]}, "GitHub"),
        ({"url": "https://a\r\nBcc: b\x00"}, "https://a  Bcc: b"),
        ({"url": "x" * 9999}, "x" * 500),
    ],
)
def test_a_place_is_one_line(fields: dict[str, object], found_at: str) -> None:
    """Also where GitHub leaves it empty, or somebody named a file strangely."""
    assert _read(**fields).found_at == found_at


@given(st.text(), st.text())
def test_a_place_never_holds_a_key(before: str, after: str) -> None:
    """It stands in the audit and in a mail."""
    assert _KEY not in _read(url=f"{before}{_KEY}{after}").found_at


@given(st.binary())
def test_any_body_is_a_report_or_a_refusal(body: bytes) -> None:
    """Never an exception."""
    parse_report(body)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists))
def test_any_json_is_a_report_or_a_refusal(value: object) -> None:
    """Never an exception."""
    parse_report(json.dumps([{"token": value, "type": value, "url": value}, value]).encode())


def test_a_finding_does_not_show_its_token() -> None:
    """Neither itself nor in a report's list."""
    assert _KEY not in repr(_read())


def test_a_finding_s_request_id_never_changes() -> None:
    """Another release must know again what this one has dealt with."""
    finding = Finding("token", "type", "place")
    assert finding.request_id == UUID("a657a0e6-42be-5bc0-899b-4f3a09e7b276")


class _Revoker:
    """Knows no key; waits, or fails, as it is told."""

    def __init__(self, *, answers: bool = True, fails: bool = False) -> None:
        self.at_once_max = 0
        self._answers = answers
        self._fails = fails
        self._at_once = 0

    async def revoke(self, _: Finding) -> str | None:
        """Answer one call."""
        self._at_once += 1
        self.at_once_max = max(self.at_once_max, self._at_once)
        try:
            await asyncio.sleep(0 if self._answers else 60)
        finally:
            self._at_once -= 1
        if self._fails:
            raise NotRevokedError("UNAVAILABLE")
        return "key-1"


def _findings(count: int) -> tuple[Finding, ...]:
    findings = parse_report(report_of(*(mint_key(secrets.randbelow) for _ in range(count))))
    assert not isinstance(findings, Refusal)
    return findings


async def test_calls_are_made_a_few_at_a_time_over_all_reports() -> None:
    """A flood of reports is none for the admin API."""
    revoker = _Revoker()
    receiver = Receiver(revoker, timeout_seconds=30)
    await asyncio.gather(*(receiver.deal_with(_findings(50)) for _ in range(4)))
    assert revoker.at_once_max == 8


async def test_a_report_is_answered_within_its_time() -> None:
    """What was not dealt with by then has failed, and its calls have ended."""
    receiver = Receiver(_Revoker(answers=False), timeout_seconds=0.05)
    assert await receiver.deal_with(_findings(20)) == (Outcome.FAILED,) * 20
    assert len(asyncio.all_tasks()) == 1


async def test_each_finding_has_its_own_outcome() -> None:
    """One that fails does not stop the others."""
    (key,) = _findings(1)
    junk = Finding("junk", "t", "place")
    assert await Receiver(_Revoker(fails=True), 30).deal_with((junk, key)) == (
        Outcome.MALFORMED,
        Outcome.FAILED,
    )
    assert await Receiver(_Revoker(), 30).deal_with((key, junk, key)) == (
        Outcome.REVOKED,
        Outcome.MALFORMED,
        Outcome.REVOKED,
    )
