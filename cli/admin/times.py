"""Durations and times as they are typed and shown."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

import typer
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

_DURATION: Final = re.compile(r"(\d{1,6})([smhdw])", re.ASCII)
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_FORMS: Final = "a time is written like 90d, 2030-01-31 or 2030-01-31T12:00:00Z."
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def parse_duration(text: str) -> timedelta:
    """Read `30s`, `15m`, `24h`, `90d`, `2w` or `0`."""
    if text == "0":
        return timedelta()
    match = _DURATION.fullmatch(text)
    if match is None:
        raise typer.BadParameter("a duration is written like 30s, 15m, 24h, 7d or 2w.")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def parse_expiry(text: str, now: datetime) -> datetime:
    """Read a duration from `now`, an RFC 3339 time, or a date: its first moment in UTC."""
    try:
        if _DURATION.fullmatch(text):
            return now + parse_duration(text)
        moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise typer.BadParameter(_FORMS) from None
    if moment.tzinfo is not None:
        return moment
    if _DATE.fullmatch(text):
        return moment.replace(tzinfo=UTC)
    raise typer.BadParameter(_FORMS)  # without an offset it is another time on each machine


def parse_past(text: str, now: datetime) -> datetime:
    """Read a duration before `now`, an RFC 3339 time, or a date: its first moment in UTC."""
    try:
        if _DURATION.fullmatch(text):
            return now - parse_duration(text)
    except OverflowError:
        raise typer.BadParameter(_FORMS) from None
    return parse_expiry(text, now)


def to_timestamp(moment: datetime | None) -> Timestamp | None:
    """Return a moment as a message holds it."""
    if moment is None:
        return None
    stamp = Timestamp()
    stamp.FromDatetime(moment)
    return stamp


def to_duration(time: timedelta) -> Duration:
    """Return a duration as a message holds it."""
    duration = Duration()
    duration.FromTimedelta(time)
    return duration


def show_minute(stamp: Timestamp) -> str:
    """Return the minute in UTC; nothing for an absent time."""
    return _show(stamp, "%Y-%m-%d %H:%M")


def show_second(stamp: Timestamp) -> str:
    """Return the second in UTC; nothing for an absent time."""
    return _show(stamp, "%Y-%m-%d %H:%M:%S")


def _show(stamp: Timestamp, form: str) -> str:
    return stamp.ToDatetime(UTC).strftime(form) if stamp.ByteSize() else ""
