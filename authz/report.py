"""Puts the process together that tells accounts their usage, and runs it until it is told to stop.

It is apart from what answers checks, so that no number of reports slows a check down.
"""

import random
from datetime import UTC, datetime

import structlog
import uvicorn

from authz.rpc.reports.app import build_app
from authz.rpc.reports.metrics import ReportMetrics
from authz.service.reports.places import Places
from authz.service.reports.usage_pages import UsagePages
from authz.settings import ReportSettings
from authz.storage.place_lock import take_place
from authz.storage.usage_reports import UsageReports
from runtime import garbage, unix_http

_log = structlog.get_logger()


async def report(settings: ReportSettings) -> None:
    """Answer accounts until SIGTERM or SIGINT; PostgreSQL may come and go.

    Raises:
        OSError: it is impossible to listen on the socket.
        PlaceTakenError: another process listens there.
    """
    take_place(settings.report_socket)
    reader = UsageReports(
        settings.database_url, settings.report_connections, settings.report_timeout_seconds
    )
    pages = UsagePages(reader, Places(), lambda: datetime.now(UTC))
    app = build_app(pages, reader.ping, ReportMetrics(), _jitter)
    garbage.settle()
    _log.info("server.started", socket=str(settings.report_socket))
    server = unix_http.configure(app, settings.report_socket, settings.report_stop_seconds)
    try:
        await uvicorn.Server(server).serve()
    finally:
        reader.close()
        _log.info("server.stopped")


def _jitter() -> float:
    return random.uniform(0.5, 1.5)  # noqa: S311 no secret
