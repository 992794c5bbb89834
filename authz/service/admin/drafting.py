"""Computes drafts from what the tables hold at one moment."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from authz.domain.administration.billing import Billed, Tenure
from authz.domain.administration.invoice import Draft
from authz.domain.administration.invoice_arithmetic import (
    AccountMonth,
    BilledMonth,
    Unpriced,
    bill,
)
from authz.domain.administration.invoice_draft import explain_unsettled, make_draft
from authz.domain.administration.month import Month
from authz.domain.directory import AccountId
from authz.service.admin.tables import Tables
from contract.money import Money

_LATE_MONTHS: Final = 3
"""How far back usage is looked for that arrived after its month's invoice.

Usage that is over a month old is taken from no process, so the second month after sees all.
"""


async def draft_months(
    tables: Tables,
    account_ids: Sequence[AccountId],
    month: Month,
    at: datetime,
    settling: timedelta,
) -> Sequence[Draft]:
    """Return accounts' drafts of a month, by the accounts' names.

    One without contents and hindrance is of an account that has nothing to pay.
    """
    unsettled = explain_unsettled(month, at, settling)
    facts = await _read_months(tables, account_ids, month)
    before = await _total_months(tables, account_ids, month.plus(-1))
    return [make_draft(each, before.get(each.account_id), unsettled) for each in facts]


async def _read_months(
    tables: Tables, account_ids: Sequence[AccountId], month: Month
) -> Sequence[AccountMonth]:
    tenures = await tables.billing.read_tenures(account_ids, month)
    first, last = month.plus(-_LATE_MONTHS), month.plus(-1)
    billed = await tables.billing.read_billed(account_ids, first, last)
    usage = await tables.billing.read_usage(account_ids, first, month)
    prices = await tables.prices.in_force(month)

    def gather(tenure: Tenure) -> AccountMonth:
        return AccountMonth(
            account_id=tenure.account_id,
            account_name=tenure.account_name,
            month=month,
            tier=tenure.tier,
            was_open=tenure.was_open,
            used_tokens=usage.get((tenure.account_id, month), 0),
            price=prices.get(tenure.tier),
            earlier=_pair(billed, usage, tenure.account_id),
        )

    return [gather(tenure) for tenure in tenures]


def _pair(
    billed: Sequence[Billed], usage: Mapping[tuple[AccountId, Month], int], account_id: AccountId
) -> tuple[BilledMonth, ...]:
    return tuple(
        BilledMonth(each.month, each.terms, each.tokens, usage.get((account_id, each.month), 0))
        for each in billed
        if each.account_id == account_id
    )


async def _total_months(
    tables: Tables, account_ids: Sequence[AccountId], month: Month
) -> Mapping[AccountId, Money]:
    """Return what a month costs: as it was finished, or as it is drafted now."""
    totals = dict(await tables.billing.find_totals(account_ids, month))
    unfinished = [each for each in account_ids if each not in totals]
    for facts in await _read_months(tables, unfinished, month):
        contents = bill(facts)
        if contents and not isinstance(contents, Unpriced):
            totals[facts.account_id] = contents[0].total
    return totals
