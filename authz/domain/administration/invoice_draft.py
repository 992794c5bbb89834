"""From what is known of an account's month to its draft."""

from datetime import datetime, timedelta

from authz.domain.administration.invoice import Draft
from authz.domain.administration.invoice_arithmetic import AccountMonth, Unpriced, bill
from authz.domain.administration.invoice_warning import compare
from authz.domain.administration.month import Month
from contract.money import Money


def make_draft(facts: AccountMonth, before: Money | None, unsettled: str | None) -> Draft:
    """Return the draft of a month.

    `before` is what the month before cost; `unsettled` says why the month cannot be finished yet.
    """
    contents = bill(facts)
    if isinstance(contents, Unpriced):
        hindrance = f"There is no price for tier {contents.tier} in {contents.month}."
        return Draft(facts.account_id, facts.account_name, facts.month, (), hindrance)
    warning = compare(contents[0].total, before) if contents else None
    return Draft(facts.account_id, facts.account_name, facts.month, contents, unsettled, warning)


def explain_unsettled(month: Month, at: datetime, settling: timedelta) -> str | None:
    """Say from when on a month can be finished, where that is later: usage may still arrive."""
    settled = month.end + settling
    if at >= settled:
        return None
    return f"{month} can be finished from {settled:%Y-%m-%d %H:%M} UTC on, when usage has settled."
