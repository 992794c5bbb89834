"""How long leases live, and how large they are."""

from dataclasses import dataclass

_SECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class LeaseRules:
    """Times in microseconds.

    Safety needs one of them only: the ledger's clock may not run through `life + grace` while the
    holder's runs through `life`, so they may differ by `grace / life`. All others trade statements
    against what is reserved and idle.
    """

    life: int = 10 * _SECOND
    """Until its end a holder spends, by its own clock, counted from before it asked."""
    grace: int = 5 * _SECOND
    """So much longer the ledger waits before it takes what was not accounted for as spent."""
    slice: int = 2 * _SECOND
    """A lease is what the holder spends in this time, and at most what the limit refills in it."""
    window: int = _SECOND
    """Over which a holder's rate is taken, and after which a charge without outcome counts."""
    report_every: int = _SECOND
    """A holder reports what it spent this often, so that it refills."""
    idle_after: int = 3 * _SECOND
    """A holder that charged nothing for so long returns its lease."""
    view_life: int = _SECOND
    """How long a holder refuses by what the ledger last said, without asking again."""
    retry_after: int = _SECOND // 10
    """How long a holder leaves the ledger alone after it did not answer."""
    room_divisor: int = 2
    """A grant beyond need takes one part in so many of the room there is: others find some."""
