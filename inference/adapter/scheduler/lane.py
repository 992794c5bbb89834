"""The two kinds of requests that wait apart."""

from enum import StrEnum


class Lane(StrEnum):
    """Who waits with whom."""

    SHORT = "short"
    """Requests of few tokens: somebody is waiting for the answer."""
    BULK = "bulk"
    """All others."""
