"""How many reports may be under way at once, so that no account keeps the others out."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from authz.domain.directory import AccountId

REPORTS_MAX: Final = 32
REPORTS_OF_AN_ACCOUNT_MAX: Final = 4


class ReportsBusyError(Exception):
    """As many reports are under way as may be, in all or of the account."""


class Places:
    """The places of one process."""

    def __init__(self) -> None:
        self._taken: Counter[AccountId] = Counter()

    @contextmanager
    def take(self, account_id: AccountId) -> Iterator[None]:
        """Take a place while a report is made. Raises `ReportsBusyError`."""
        if (
            self._taken.total() >= REPORTS_MAX
            or self._taken[account_id] >= REPORTS_OF_AN_ACCOUNT_MAX
        ):
            raise ReportsBusyError
        self._taken[account_id] += 1
        try:
            yield
        finally:
            self._taken -= Counter((account_id,))
