"""Durations and times as people type them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
import typer

from cli.admin.times import parse_duration, parse_expiry

_NOW = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("0", timedelta()),
        ("30s", timedelta(seconds=30)),
        ("15m", timedelta(minutes=15)),
        ("24h", timedelta(days=1)),
        ("90d", timedelta(days=90)),
        ("2w", timedelta(days=14)),
    ],
)
def test_durations(text: str, duration: timedelta) -> None:
    """A number and a unit."""
    assert parse_duration(text) == duration


@pytest.mark.parametrize("text", ["", "1", "h", "1.5h", "-1h", "1 h", "1y", "9999999d", "1h30m"])
def test_what_is_no_duration(text: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(typer.BadParameter):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("1h", datetime(2026, 5, 4, 10, 30, tzinfo=UTC)),
        ("2030-01-31", datetime(2030, 1, 31, tzinfo=UTC)),
        ("2030-01-31T12:00:00Z", datetime(2030, 1, 31, 12, tzinfo=UTC)),
        (
            "2030-01-31T12:00:00+02:00",
            datetime(2030, 1, 31, 12, tzinfo=timezone(timedelta(hours=2))),
        ),
    ],
)
def test_expiries(text: str, moment: datetime) -> None:
    """From now, or at a time, or at the start of a day in UTC."""
    assert parse_expiry(text, _NOW) == moment


@pytest.mark.parametrize(
    "text", ["", "tomorrow", "2030-01-31T12:00:00", "2030-01-31 12:00", "99999d"]
)
def test_what_is_no_expiry(text: str) -> None:
    """A time without an offset would mean something else on each machine."""
    with pytest.raises(typer.BadParameter):
        parse_expiry(text, datetime(9999, 1, 1, tzinfo=UTC))
