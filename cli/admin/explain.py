"""`tessera explain`: why a request was answered as it was."""

from typing import Annotated, Final

import typer

from cli.admin.command import Admin, command
from cli.admin.decision_sentences import tell
from cli.admin.document import Document, to_document
from contract.request_ids import is_request_id
from proto.tessera.admin.v1.decisions_pb2 import (
    Decision,
    ExplainDecisionRequest,
    ExplainDecisionResponse,
)

_SUBJECTS: Final = ("limit", "lease")


def _parse_request_id(text: str) -> str:
    if not is_request_id(text):
        raise typer.BadParameter(
            "a request's id is req_ and 32 hexadecimal digits; it is in the answer's x-request-id."
        )
    return text


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(
        app,
        "explain",
        "tessera explain req_0f3a5c7e9b1d2f4a6c8e0b2d4f6a8c0e",
        "tessera explain req_0f3a5c7e9b1d2f4a6c8e0b2d4f6a8c0e --output json | jq .decision.limit",
    )(explain)


def explain(
    admin: Admin,
    request_id: Annotated[
        str,
        typer.Argument(
            metavar="REQUEST", help="The x-request-id of its answer.", parser=_parse_request_id
        ),
    ],
) -> None:
    """Say what was decided about a request, why, what its client was told, and what to do.

    Refusals are kept for 7 days, a moment after they were answered; so is a sample of what was
    allowed.
    """
    response = admin.client.call(ExplainDecisionRequest(id=request_id), ExplainDecisionResponse)
    if admin.screen.as_json:
        admin.screen.write_json(to_document(response))
        return
    for sentence in tell(response.decision):
        admin.screen.print(sentence)
    admin.screen.print("")
    admin.screen.show({"decision": _flatten(response.decision)}, part="decision")


def _flatten(decision: Decision) -> Document:
    """Return what is known, each thing in a row of its own."""
    document = to_document(decision)
    for name in _SUBJECTS:
        part = document.pop(name)
        if isinstance(part, dict):
            document |= {_join(name, field): value for field, value in part.items()}
    return {name: value for name, value in document.items() if value is not None}


def _join(name: str, field: str) -> str:
    return name if name == field else f"{name} {field}"
