"""What is known here and not yet to PostgreSQL."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pending:
    """So many charges and counters wait, the oldest since `since`, in microseconds since 1970.

    `refused` are counters that PostgreSQL will not have: someone has to look.
    """

    rows: int = 0
    refused: int = 0
    since: int | None = None
