"""Which decisions are kept: all that somebody may ask about, a sample of the rest, in bounds."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Final

import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from authz.domain.decision import Decision, Ruling
from authz.domain.undecided import DatabaseError, QuotaUnavailableError
from authz.domain.verdict import Verdict
from authz.service.check import Question
from authz.service.current_directory import CurrentDirectory
from authz.service.decisions.allotment import Bounds
from authz.service.decisions.metrics import DecisionMetrics
from authz.service.decisions.record import DecisionRecorder
from authz.service.write_later import LateWriter
from contract import errors
from tests.authz.decisions.samples import (
    ACCOUNT,
    ALLOWED,
    KEY,
    OTHER_ACCOUNT,
    REFUSED,
    SHADOWED,
    STRANGER,
    question,
    request_id,
)
from tests.authz.doubles import NOW, ManualClock, make_current, make_directory

_BOUNDS: Final = Bounds(each_max=5, strangers_max=2, waiting_max=12)


class _Desk:
    """A recorder, and a table that can be away."""

    def __init__(
        self,
        sample: int = 100,
        bounds: Bounds = _BOUNDS,
        current: CurrentDirectory | None = None,
    ) -> None:
        self.table: dict[str, Decision] = {}
        self.is_down = False
        self.clock = ManualClock()
        self.registry = CollectorRegistry()
        self.writer: LateWriter[str, Decision] = LateWriter(
            "decisions", self._write, 3600, lambda: 1.0
        )
        self.recorder = DecisionRecorder(
            self.writer,
            make_current(make_directory(number=42)) if current is None else current,
            "authz-1",
            sample,
            bounds,
            DecisionMetrics(self.registry),
            lambda: NOW,
            self.clock,
        )

    async def _write(self, batch: Mapping[str, Decision]) -> None:
        await asyncio.sleep(0)
        if self.is_down:
            raise DatabaseError("down")
        self.table |= batch

    def note(self, verdict: Verdict, *numbers: int) -> None:
        """Note the same verdict on requests of these numbers."""
        for number in numbers:
            self.recorder.note(question(request_id(number)), verdict)

    async def kept(self) -> list[Decision]:
        """Return what was written, after all was that waits."""
        await self.writer.flush()
        return list(self.table.values())

    def count(self, name: str, **labels: str) -> float | None:
        """Return one of the metrics."""
        return self.registry.get_sample_value(f"authz_decisions_{name}_total", labels)


async def test_a_refusal_is_kept_with_its_grounds() -> None:
    """What was decided, by whom, on which state, and what the client was told."""
    desk = _Desk()
    desk.recorder.note(question(retry_count=2), REFUSED)
    (kept,) = await desk.kept()
    assert kept.ruling is Ruling.REFUSED
    assert (kept.reason, kept.account_id, kept.key_id) == ("too_many_tokens", ACCOUNT, KEY)
    assert (kept.told.status, kept.told.code) == (429, "rate_limit_exceeded")
    assert kept.told.retry_after == timedelta(seconds=2.812)
    assert kept.evidence == REFUSED.evidence
    assert (kept.place.at, kept.place.process, kept.place.directory_number) == (NOW, "authz-1", 42)
    assert kept.place.directory_age == timedelta()
    assert kept.asked.retry_count == 2


async def test_nothing_secret_is_kept() -> None:
    """No key, no body, no path: what nobody has cannot leak."""
    desk = _Desk(sample=1)
    desk.note(STRANGER, 1)
    desk.note(ALLOWED, 2)
    shown = repr(await desk.kept())
    assert len(await desk.kept()) == 2
    for secret in ("sk-tess", "private", "192.0.2.1", "/v1"):
        assert secret not in shown


async def test_what_a_shadow_tier_let_pass_is_kept() -> None:
    """With the reason for which it would have been refused."""
    desk = _Desk(sample=0)
    desk.note(SHADOWED, 1)
    (kept,) = await desk.kept()
    assert (kept.ruling, kept.reason, kept.told.status) == (
        Ruling.SHADOW,
        "too_many_tokens",
        200,
    )


async def test_what_could_not_be_decided_is_kept() -> None:
    """With whose it was, where that was known by then."""
    desk = _Desk()
    undecided = QuotaUnavailableError()
    undecided.account_id, undecided.key_id = ACCOUNT, KEY
    desk.recorder.note_undecided(question(), undecided, errors.unavailable(timedelta(seconds=2)))
    (kept,) = await desk.kept()
    assert (kept.ruling, kept.reason) == (Ruling.REFUSED, "quota_unavailable")
    assert (kept.told.status, kept.told.code) == (503, "unavailable")
    assert (kept.account_id, kept.key_id) == (ACCOUNT, KEY)


async def test_a_process_without_a_directory_says_so() -> None:
    """It has no age, rather than one without end."""
    desk = _Desk(current=make_current())
    desk.note(STRANGER, 1)
    (kept,) = await desk.kept()
    assert (kept.place.directory_number, kept.place.directory_age) == (None, None)


@pytest.mark.parametrize(
    ("sample", "kept"), [(0, 0), (1, 256), (2, 128), (16, 16), (256, 1), (2**32, 1)]
)
async def test_of_what_is_allowed_a_sample_is_kept(sample: int, kept: int) -> None:
    """One in so many ids, and the same ones by every process."""
    desks = [_Desk(sample, Bounds(1000, 0, 1000)) for _ in range(2)]
    for desk in desks:
        desk.note(ALLOWED, *(first << 120 for first in range(256)))
        await desk.writer.flush()
    assert len(desks[0].table) == kept
    assert set(desks[0].table) == set(desks[1].table)


async def test_whoever_tries_random_keys_shares_one_small_part() -> None:
    """However fast, and without taking an account's place."""
    desk = _Desk()
    desk.note(STRANGER, *range(100, 1000))
    desk.note(REFUSED, 1, 2, 3)
    kept = await desk.kept()
    assert [each.reason for each in kept].count("unknown_key") == _BOUNDS.strangers_max
    assert len(kept) == _BOUNDS.strangers_max + 3
    assert desk.count("dropped", why="too_many_of_one") == 900 - _BOUNDS.strangers_max


async def test_no_account_crowds_out_another() -> None:
    """Each has its own part of a second, and the next second is another."""
    desk = _Desk(bounds=Bounds(2, 1, 1000))
    other = replace(REFUSED, account_id=OTHER_ACCOUNT)
    desk.note(REFUSED, *range(10))
    desk.note(other, *range(10, 20))
    desk.clock.now += 1
    desk.note(REFUSED, 20)
    accounts = [each.account_id for each in await desk.kept()]
    assert (accounts.count(ACCOUNT), accounts.count(OTHER_ACCOUNT)) == (3, 2)


async def test_an_outage_is_survived_up_to_the_bound() -> None:
    """What came first is kept, what is too much is counted, and strangers take half at most."""
    desk = _Desk()
    desk.is_down = True
    for second in range(20):
        desk.clock.now += 1
        desk.note(STRANGER, 1000 + second)
        await desk.writer.flush()
    assert len(desk.writer) == _BOUNDS.waiting_max // 2
    for second in range(20):
        desk.clock.now += 1
        desk.note(REFUSED, second)
        await desk.writer.flush()
    assert len(desk.writer) == _BOUNDS.waiting_max
    assert desk.count("dropped", why="too_many_waiting") == 40 - _BOUNDS.waiting_max
    desk.is_down = False
    assert {request_id(0), request_id(1000)} <= {
        each.asked.request_id for each in await desk.kept()
    }
    assert desk.count("noted") == _BOUNDS.waiting_max


async def test_a_request_without_an_id_is_not_kept() -> None:
    """Nobody could ask for it; and no text of a stranger's choice goes into the table."""
    desk = _Desk()
    for name in ("", "evil\0", request_id().upper(), request_id() + "0"):
        desk.recorder.note(question(name), REFUSED)
    assert await desk.kept() == []
    assert desk.count("dropped", why="without_id") == 4


def _no_time() -> float:
    raise RuntimeError("no clock")


async def test_a_record_that_fails_does_not_fail_the_request() -> None:
    """It is counted, and said in the log."""
    desk = _Desk(current=CurrentDirectory(300, _no_time))
    with capture_logs() as logs:
        desk.note(REFUSED, 1)
    assert [entry["event"] for entry in logs] == ["decision.lost"]
    assert await desk.kept() == []
    assert desk.count("dropped", why="failed") == 1


def test_a_question_of_any_kind_can_be_noted() -> None:
    """Also one that asks for nothing that is served."""
    desk = _Desk()
    desk.recorder.note(Question("BREW", "", None, None, b"", request_id()), STRANGER)
    assert len(desk.writer) == 1
