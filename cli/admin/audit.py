"""`tessera audit`: who changed what."""

import json
from collections.abc import Sequence
from typing import Annotated, Final

import typer

from cli.admin.command import Admin, command
from cli.admin.document import Document, to_document
from cli.admin.options import Limit
from cli.admin.pages import walk
from cli.admin.progress import progress
from cli.admin.rows import Column
from cli.admin.times import show_second
from cli.refusal import CommandError
from proto.tessera.admin.v1.audit_pb2 import (
    AuditEntry,
    ListAuditEntriesRequest,
    ListAuditEntriesResponse,
    VerifyAuditRequest,
    VerifyAuditResponse,
)

app = typer.Typer(help="Who changed what.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def audit() -> None:
    """The audit: one entry per change, each hashed together with the one before it."""


@command(
    app,
    "list",
    "tessera audit list --limit 20",
    "tessera audit list --subject 6f1f3b0a-4d1c-4e0e-9b53-6c6d9a1c2b3d",
    "tessera audit list --actor alice --output json | jq '.entries[].after'",
)
def list_entries(
    admin: Admin,
    subject: Annotated[str, typer.Option(help="Only about this id or name.")] = "",
    actor: Annotated[str, typer.Option(help="Only by this name.")] = "",
    limit: Limit = None,
) -> None:
    """List changes, the newest first."""
    request = ListAuditEntriesRequest(subject=subject, actor=actor)
    pages = walk(admin.client, request, ListAuditEntriesResponse, _entries_of, limit)
    admin.screen.show_pages("entries", pages, _COLUMNS, _entry_to_document)


@command(app, "verify", "tessera audit verify", "tessera audit verify --output json | jq -r .head")
def verify(admin: Admin) -> None:
    """Read the whole chain, and find any entry that was altered, removed or put elsewhere.

    Write the head down somewhere else: with the same chain, it is found among the entries' hashes.
    """
    responses = admin.client.stream(VerifyAuditRequest(), VerifyAuditResponse)
    with progress(admin.screen.errors, "verifying") as show:
        last = VerifyAuditResponse()
        for last in responses:
            show(last.verified, last.total)
    if not last.done:
        raise CommandError("The server stopped before the end of the audit; try again")
    if admin.screen.as_json:
        admin.screen.write_json(_to_document(last))
    if last.fault:
        raise CommandError(
            f"The audit was tampered with at entry {last.fault_number}: {last.fault}"
        )
    if not admin.screen.as_json:
        admin.screen.print(f"All {last.verified:,} entries are as they were written.")
        admin.screen.print(f"head  {last.head.hex()}")


def _entries_of(response: ListAuditEntriesResponse) -> Sequence[AuditEntry]:
    return response.entries


def _entry_to_document(entry: AuditEntry) -> Document:
    """Return an entry with what was and what is as objects."""
    snapshots = {"before": entry.before, "after": entry.after}
    return to_document(entry) | {
        name: json.loads(text) if text else None for name, text in snapshots.items()
    }


def _to_document(last: VerifyAuditResponse) -> Document:
    return {
        "verified": last.verified,
        "total": last.total,
        "fault": last.fault or None,
        "fault_number": last.fault_number if last.fault else None,
        "head": last.head.hex() or None,
    }


_COLUMNS: Final[tuple[Column[AuditEntry], ...]] = (
    Column("number", lambda entry: str(entry.number), 8),
    Column("time (UTC)", lambda entry: show_second(entry.time), 19),
    Column("actor", lambda entry: entry.actor),
    Column("method", lambda entry: entry.method.rpartition("/")[2], 15),
    Column("subject", lambda entry: entry.subject, 36),
)
