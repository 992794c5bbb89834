"""Finishes invoices: drafts get numbers, and never change again."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import uuid5

from authz.domain.administration.actor import ChangeRequest
from authz.domain.administration.audit import Made, NothingMade
from authz.domain.administration.fields import Fields
from authz.domain.administration.invoice import Draft, Invoice
from authz.domain.administration.invoice_draft import explain_unsettled
from authz.domain.administration.month import Month
from authz.domain.administration.refusals import PreconditionError
from authz.service.admin.drafting import draft_months
from authz.service.admin.finish_invoices import finish, tell_finished
from authz.service.admin.invoice_fields import read_month
from authz.service.admin.invoices import choose_month, draft_account
from authz.service.admin.ports import Database
from authz.service.admin.tables import Tables

_STEP: Final = 100


@dataclass(frozen=True, slots=True)
class MonthStep:
    """What became of one account's month: its invoices, or why they were left as a draft."""

    account_name: str
    invoices: tuple[Invoice, ...] = ()
    left_because: str | None = None


class Invoicing:
    """Makes drafts final. Methods raise `RefusedError` and `DatabaseError`."""

    def __init__(self, database: Database, settling: timedelta, step: int = _STEP) -> None:
        self._database = database
        self._settling = settling
        self._step = step

    async def finalize(
        self, change: ChangeRequest, account: str, month: str, *, accept_warning: bool
    ) -> tuple[Invoice, ...]:
        """Finish an account's invoices of a month; a warning has to be accepted."""
        wanted = _read_month(month)

        async def work(tables: Tables, at: datetime) -> Made[tuple[Invoice, ...]]:
            of = choose_month(wanted, at)
            draft = await draft_account(tables, account, of, at, self._settling)
            _check_finishable(draft, accept_warning=accept_warning)
            return await finish(tables, draft.contents, change, at)

        return await self._database.change(change, work, tell_finished)

    async def finalize_month(self, change: ChangeRequest, month: str) -> AsyncIterator[MonthStep]:
        """Finish a month for every account; drafts with a warning are left, and told.

        Each account is a change of its own. Called again it goes on with those that are left.
        """
        wanted = _read_month(month)
        after: str | None = None
        while drafts := await self._read_drafts(wanted, after):
            for draft in drafts:
                if not (draft.contents or draft.hindrance):
                    continue
                step = await self._finish(change, draft)
                if step.invoices or step.left_because:
                    yield step
            after = drafts[-1].account_name

    async def _read_drafts(self, month: Month, after: str | None) -> Sequence[Draft]:
        async with self._database.snapshot() as tables:
            at = await tables.billing.time()
            unsettled = explain_unsettled(choose_month(month, at), at, self._settling)
            if unsettled is not None:
                raise PreconditionError("invoice", str(month), unsettled)
            accounts = await tables.billing.list_unfinished(month, after, self._step)
            return await draft_months(tables, accounts, month, at, self._settling)

    async def _finish(self, change: ChangeRequest, seen: Draft) -> MonthStep:
        """Finish one account's draft as it is now, unless somebody else has."""
        own = replace(change, id=uuid5(change.id, str(seen.account_id)))

        async def work(
            tables: Tables, at: datetime
        ) -> Made[tuple[Invoice, ...]] | NothingMade[tuple[Invoice, ...]]:
            if await tables.invoices.find_month(seen.account_id, seen.month):
                return NothingMade(())
            account = [seen.account_id]
            [draft] = await draft_months(tables, account, seen.month, at, self._settling)
            _check_finishable(draft, accept_warning=False)
            if not draft.contents:
                return NothingMade(())
            return await finish(tables, draft.contents, own, at)

        try:
            _check_finishable(seen, accept_warning=False)
            invoices = await self._database.change(own, work, tell_finished)
        except PreconditionError as error:
            if error.kind != "invoice":
                raise
            return MonthStep(seen.account_name, left_because=str(error))
        return MonthStep(seen.account_name, invoices)


def _read_month(month: str) -> Month:
    fields = Fields()
    read = read_month(fields, "month", month)
    fields.check()
    return read


def _check_finishable(draft: Draft, *, accept_warning: bool) -> None:
    subject = f"{draft.account_name} {draft.month}"
    if draft.hindrance is not None:
        raise PreconditionError("invoice", subject, draft.hindrance)
    if draft.warning is not None and not accept_warning:
        raise PreconditionError("invoice", subject, f"{draft.warning} Accept it, or correct it.")
