"""How many reports may be under way."""

from contextlib import ExitStack
from uuid import uuid4

import pytest

from authz.domain.directory import AccountId
from authz.service.reports.places import (
    REPORTS_MAX,
    REPORTS_OF_AN_ACCOUNT_MAX,
    Places,
    ReportsBusyError,
)


def _account() -> AccountId:
    return AccountId(uuid4())


def test_one_account_does_not_keep_the_others_out() -> None:
    """It has a few places, and gets them back."""
    places, greedy = Places(), _account()
    with ExitStack() as taken:
        for _ in range(REPORTS_OF_AN_ACCOUNT_MAX):
            taken.enter_context(places.take(greedy))
        with pytest.raises(ReportsBusyError), places.take(greedy):
            pass
        with places.take(_account()):
            pass
    with places.take(greedy):
        pass


def test_there_are_so_many_in_all() -> None:
    """However many accounts there are; a place is given back by a report that fails too."""
    places = Places()
    with ExitStack() as taken:
        for _ in range(REPORTS_MAX - 1):
            taken.enter_context(places.take(_account()))
        for _ in range(2):
            with pytest.raises(ValueError, match="failed"), places.take(_account()):
                raise ValueError("failed")
        with places.take(_account()), pytest.raises(ReportsBusyError), places.take(_account()):
            pass
