"""Invoices: looked at, finished and as drafts."""

from datetime import datetime, timedelta
from typing import Final

from authz.domain.administration.fields import Fields
from authz.domain.administration.invoice import Draft, Invoice, parse_number, split_number
from authz.domain.administration.month import Month
from authz.domain.administration.paging import bad_position, make_page, read_position
from authz.domain.administration.records import Page, PageRequest
from authz.domain.administration.refusals import PreconditionError
from authz.service.admin.drafting import draft_months
from authz.service.admin.find import find_account
from authz.service.admin.invoice_fields import find_invoice, read_month
from authz.service.admin.ports import Database
from authz.service.admin.tables import Tables

_DRAFTS_MAX: Final = 100
"""Drafts in one page, for each is computed from months of usage."""


class Invoices:
    """All invoices. Methods raise `RefusedError` and `DatabaseError`.

    Where a month is left empty, it is the last one that is over.
    """

    def __init__(self, database: Database, settling: timedelta) -> None:
        self._database = database
        self._settling = settling

    async def get(self, number: str) -> tuple[Invoice, tuple[Invoice, ...]]:
        """Return a finished invoice, and what corrects it."""
        async with self._database.snapshot() as tables:
            found = await find_invoice(tables, number)
            return found, tuple(await tables.invoices.list_corrections(found.number))

    async def list(self, account: str, month: str, page: PageRequest) -> Page[Invoice]:
        """Return finished invoices, the newest first; of an account, of a month, or of all."""
        wanted = _read_optional_month(month)
        list_name = repr(("invoices", account, month))
        before = _parse_number_position(read_position(page, list_name))
        async with self._database.snapshot() as tables:
            found = await tables.invoices.list(
                account_id=(await find_account(tables, account)).id if account else None,
                month=wanted,
                before=before,
                limit=page.size + 1,
            )
        return make_page(found, page.size, list_name, lambda invoice: invoice.number)

    async def preview(self, account: str, month: str) -> Draft:
        """Return the draft of an account's month that is not finished."""
        wanted = _read_optional_month(month)
        async with self._database.snapshot() as tables:
            at = await tables.billing.time()
            of = choose_month(wanted, at)
            return await draft_account(tables, account, of, at, self._settling)

    async def list_drafts(self, month: str, page: PageRequest) -> Page[Draft]:
        """Return the drafts of a month, by accounts' names, of whoever has anything to pay."""
        wanted = _read_optional_month(month)
        list_name = repr(("drafts", month))
        after = _parse_name_position(read_position(page, list_name))
        size = min(page.size, _DRAFTS_MAX)
        async with self._database.snapshot() as tables:
            at = await tables.billing.time()
            of = choose_month(wanted, at)
            accounts = await tables.billing.list_unfinished(of, after, size + 1)
            drafts = await draft_months(tables, accounts, of, at, self._settling)
        whole = make_page(drafts, size, list_name, lambda draft: draft.account_name)
        payable = tuple(each for each in whole.items if each.contents or each.hindrance)
        return Page(payable, whole.next_token)


async def draft_account(
    tables: Tables, account: str, month: Month, at: datetime, settling: timedelta
) -> Draft:
    """Return the draft of an account's month.

    Raises:
        NotFoundError: there is no such account.
        PreconditionError: the month is finished, or there is nothing to pay.
    """
    found = await find_account(tables, account)
    number = await tables.invoices.find_month(found.id, month)
    if number is not None:
        raise PreconditionError("invoice", number, f"{month} is finished: it is {number}.")
    for draft in await draft_months(tables, [found.id], month, at, settling):
        if draft.contents or draft.hindrance:
            return draft
    raise PreconditionError("account", account, f"The account has nothing to pay for {month}.")


def choose_month(wanted: Month | None, at: datetime) -> Month:
    """Return the month that is asked for, by default the last one that is over."""
    if wanted is None:
        return Month.of(at).plus(-1)
    fields = Fields()
    if wanted > Month.of(at):
        fields.refuse("month", "has not begun")
    fields.check()
    return wanted


def _read_optional_month(month: str) -> Month | None:
    fields = Fields()
    read = read_month(fields, "month", month) if month else None
    fields.check()
    return read


def _parse_number_position(position: str | None) -> tuple[int, int] | None:
    if position is None:
        return None
    number = parse_number(position)
    if number is None:
        raise bad_position()
    return split_number(number)


def _parse_name_position(position: str | None) -> str | None:
    if position is not None and not position.isprintable():
        raise bad_position()  # no name is, and PostgreSQL would not even compare it
    return position
