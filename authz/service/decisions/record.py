"""Notes decisions beside the requests: every refusal, and a sample of what was allowed."""

import math
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import structlog

from authz.domain.decision import (
    Asked,
    Decision,
    Place,
    is_notable,
    record_undecided,
    record_verdict,
)
from authz.domain.endpoints import find_call
from authz.domain.undecided import UndecidedError
from authz.domain.verdict import Verdict
from authz.service.check import Question
from authz.service.current_directory import CurrentDirectory
from authz.service.decisions.allotment import Allotment, Bounds
from authz.service.decisions.metrics import DecisionMetrics
from authz.service.write_later import LateWriter
from contract.errors import ApiError
from contract.request_ids import is_request_id

_DIGITS: Final = slice(4, 12)
"""The first eight of an id's digits after `req_`: as random as its others."""
_DIGITS_COUNT: Final = 16**8

_log = structlog.get_logger()


class DecisionRecorder:
    """Notes what `writer` writes a moment later; it never raises, and waits for nothing.

    `process` is the name by which others know this process. Of what was plainly allowed one in
    `sample` is kept, by its id, so that it is the same ones whoever is asked; none where it is 0.
    What does not fit in `bounds` is counted and forgotten.
    """

    def __init__(
        self,
        writer: LateWriter[str, Decision],
        current: CurrentDirectory,
        process: str,
        sample: int,
        bounds: Bounds,
        metrics: DecisionMetrics,
        clock: Callable[[], datetime],
        steady_clock: Callable[[], float],
    ) -> None:
        self._writer = writer
        self._current = current
        self._process = process
        self._sampled_below = _sampled_below(sample)
        self._bounds = bounds
        self._allotment = Allotment(bounds, steady_clock)
        self._metrics = metrics
        self._clock = clock

    def note(self, question: Question, verdict: Verdict) -> None:
        """Note a verdict, unless it is one of the many that nobody will ask about."""
        if is_notable(verdict) or question.request_id[_DIGITS] < self._sampled_below:
            self._keep(question, lambda asked, place: record_verdict(asked, place, verdict))

    def note_undecided(
        self, question: Question, undecided: UndecidedError, error: ApiError
    ) -> None:
        """Note that nothing could be decided; `error` is what the client is told."""
        self._keep(question, lambda asked, place: record_undecided(asked, place, undecided, error))

    def _keep(self, question: Question, record: Callable[[Asked, Place], Decision]) -> None:
        try:
            self._admit(record(_ask(question), self._locate()))
        except Exception:  # noqa: BLE001 a request must not fail because of its record
            self._metrics.failed.inc()
            _log.exception("decision.lost")

    def _admit(self, decision: Decision) -> None:
        request_id = decision.asked.request_id
        if not is_request_id(request_id):
            self._metrics.without_id.inc()  # nobody could ask for it
        elif not self._allotment.take(decision.account_id):
            self._metrics.too_many_of_one.inc()
        elif len(self._writer) >= self._room(decision):
            self._metrics.too_many_waiting.inc()
        else:
            self._writer.put(request_id, decision)
            self._metrics.noted.inc()

    def _room(self, decision: Decision) -> int:
        """Return how many may wait already; the last half of the places is for accounts alone."""
        places = self._bounds.waiting_max
        return places // 2 if decision.account_id is None else places

    def _locate(self) -> Place:
        directory, age = self._current.directory, self._current.age_seconds
        return Place(
            self._clock(),
            self._process,
            None if directory is None else directory.number,
            timedelta(seconds=age) if math.isfinite(age) else None,
        )


def _ask(question: Question) -> Asked:
    call = find_call(question.method, question.path)
    endpoint = None if call is None else call.endpoint
    return Asked(question.request_id, endpoint, question.retry_count)


def _sampled_below(sample: int) -> str:
    """Return what the digits of one id in `sample` come before."""
    match sample:
        case 0:
            return ""
        case 1:
            return "g"  # after every digit
        case _:
            return f"{_DIGITS_COUNT // sample:08x}"
