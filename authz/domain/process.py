"""This process, as whoever waits for a change to be applied everywhere knows it."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

REFUSES_EVERYTHING: Final = 2**63 - 1
"""Told instead of a change number by a process that answers no check: it holds up no change."""


@dataclass(frozen=True, slots=True)
class Process:
    """A process that answers checks.

    `name` is the place that it runs in, and stays the same from one process there to the next;
    `incarnation` tells them apart. Without news for `stale_after` it refuses every check.
    """

    name: str
    incarnation: UUID
    stale_after: timedelta


class ReplacedError(Exception):
    """Another process has taken this one's place, so nobody waits for this one any more."""
