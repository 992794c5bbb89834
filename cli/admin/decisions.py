"""`tessera decisions`: which requests were refused."""

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Final

import typer

from cli.admin.command import Admin, command
from cli.admin.options import Limit
from cli.admin.pages import walk
from cli.admin.reasons import EXPLANATIONS
from cli.admin.rows import Column
from cli.admin.times import parse_past, show_second, to_timestamp
from proto.tessera.admin.v1.decisions_pb2 import (
    Decision,
    ListDecisionsRequest,
    ListDecisionsResponse,
)

app = typer.Typer(help="Which requests were refused.", no_args_is_help=True, rich_markup_mode=None)


class Verdict(StrEnum):
    """What became of a request."""

    ALLOWED = "allowed"
    REFUSED = "refused"
    SHADOW = "shadow"


def _parse_time(text: str) -> datetime:
    return parse_past(text, datetime.now(UTC))


def _check_reason(reason: str) -> str:
    if reason and reason not in EXPLANATIONS:
        raise typer.BadParameter(f"There is none like that; one of {', '.join(EXPLANATIONS)}.")
    return reason


@app.callback()
def decisions() -> None:
    """Decisions: each refusal of the last 7 days, and a sample of what was allowed."""


@command(
    app,
    "list",
    "tessera decisions list --account Acme --limit 20",
    "tessera decisions list --reason too_many_tokens --from 1h",
    "tessera decisions list --account Acme --output json | jq -r '.decisions[].request_id'",
)
def list_decisions(
    admin: Admin,
    account: Annotated[str, typer.Option(metavar="ACCOUNT", help="Only of this one.")] = "",
    key_id: Annotated[
        str, typer.Option("--key-id", metavar="KEY", help="Only of this key: its id.")
    ] = "",
    reason: Annotated[str, typer.Option(callback=_check_reason, help="Only for this reason.")] = "",
    verdict: Annotated[Verdict | None, typer.Option(help="Only with this outcome.")] = None,
    start: Annotated[
        datetime | None,
        typer.Option(
            "--from",
            metavar="WHEN",
            parser=_parse_time,
            help="Only since then: 1h ago, 2026-11-01 or 2026-11-01T12:00:00Z.",
        ),
    ] = None,
    end: Annotated[
        datetime | None,
        typer.Option("--to", metavar="WHEN", parser=_parse_time, help="Only before then."),
    ] = None,
    limit: Limit = None,
) -> None:
    """List decisions, the newest first; `tessera explain` says all about one."""
    request = ListDecisionsRequest(
        account=account,
        key_id=key_id,
        reason=reason,
        verdict=f"DECISION_VERDICT_{verdict.name if verdict else 'UNSPECIFIED'}",
        start_time=to_timestamp(start),
        end_time=to_timestamp(end),
    )
    pages = walk(admin.client, request, ListDecisionsResponse, _decisions_of, limit)
    admin.screen.show_pages("decisions", pages, _COLUMNS)


def _decisions_of(response: ListDecisionsResponse) -> Sequence[Decision]:
    return response.decisions


_COLUMNS: Final[tuple[Column[Decision], ...]] = (
    Column("time (UTC)", lambda each: show_second(each.time), 19),
    Column("request", lambda each: each.request_id, 36),
    Column("status", lambda each: str(each.status), 6),
    Column("reason", lambda each: each.reason or "allowed", 21),
    Column("account", lambda each: each.account_name or each.account_id),
)
