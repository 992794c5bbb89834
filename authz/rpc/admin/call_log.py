"""Notes and counts every call: who, what, what came of it, how long; never what it says."""

import time
import traceback
from typing import Final

import grpc
import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram

from authz.domain.administration.actor import Actor
from authz.domain.undecided import DatabaseError
from authz.rpc.admin.permissions import OPEN_SERVICES

_UNKNOWN: Final = "unknown"

_log = structlog.get_logger()


class CallLog:
    """The log and the metrics of calls. Every label's values are bounded."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._calls = Counter(
            "authz_admin_calls",
            "Calls of the admin API, by how they ended",
            ["method", "role", "code"],
            registry=registry,
        )
        self._seconds = Histogram(
            "authz_admin_call_seconds",
            "Time from a call's arrival to its answer",
            ["method"],
            registry=registry,
            buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 90),
        )

    def begin(self, service: str, method: str) -> "CallEntry":
        """Begin to note a call."""
        return CallEntry(self, service, method)

    def count(self, method: str, role: str, code: str, seconds: float) -> None:
        """Count a call that has ended."""
        self._calls.labels(method, role, code).inc()
        self._seconds.labels(method).observe(seconds)


class CallEntry:
    """One call; all that is logged until its end is marked with who makes it."""

    def __init__(self, log: CallLog, service: str, method: str) -> None:
        self._log = log
        self._service = service
        self._method = method
        self._role: str = _UNKNOWN
        self._started = time.perf_counter()

    def identify(self, actor: Actor) -> None:
        """Note who calls."""
        self._role = actor.role
        structlog.contextvars.bind_contextvars(
            actor=actor.name, role=actor.role, address=actor.address
        )

    def end(
        self, code: grpc.StatusCode, reason: str | None = None, error: Exception | None = None
    ) -> None:
        """Note what became of the call, and where an error came from that nobody expected."""
        seconds = time.perf_counter() - self._started
        self._log.count(self._method, self._role, code.name, seconds)
        if code is grpc.StatusCode.INTERNAL and error is not None:
            _log.error("call.failed", method=self._method, **_locate(error))
        # Probes ask for health all the time, and change nothing.
        if code is not grpc.StatusCode.OK or self._service not in OPEN_SERVICES:
            facts = {"method": self._method, "code": code.name, **_explain(reason, error)}
            _log.info("call.ended", **facts, milliseconds=round(seconds * 1000, 1))


def _explain(reason: str | None, error: Exception | None) -> dict[str, str]:
    """Say what a failure is called; of the database's, what its own error is called as well."""
    facts = {} if reason is None else {"reason": reason}
    return facts | {"failure": str(error)} if isinstance(error, DatabaseError) else facts


def _locate(error: Exception) -> dict[str, object]:
    """Say what happened and where; an error's own words may hold what the request said."""
    frames = traceback.extract_tb(error.__traceback__)
    where = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    return {"error": type(error).__name__, "where": where}
