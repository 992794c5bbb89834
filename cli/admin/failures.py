"""What a failed call means to the person who typed the command."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

import grpc
from google.protobuf.message import DecodeError, Message
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, ResourceInfo, RetryInfo
from google.rpc.status_pb2 import Status

from cli.admin.server import LocalServer, RemoteServer, Server
from cli.refusal import CommandError, Exit

_DETAILS_KEY: Final = "grpc-status-details-bin"
_NOT_BELIEVED: Final = "CERTIFICATE_VERIFY_FAILED"
_EXITS: Final[Mapping[grpc.StatusCode, Exit]] = {
    grpc.StatusCode.UNAVAILABLE: Exit.UNREACHABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED: Exit.UNREACHABLE,
    grpc.StatusCode.UNAUTHENTICATED: Exit.NOT_PERMITTED,
    grpc.StatusCode.PERMISSION_DENIED: Exit.NOT_PERMITTED,
}
_NAMED_ALIKE: Final = (
    *("name", "email", "tier", "environment", "search", "grace", "timeout", "reason"),
    *("requests_per_minute", "tokens_per_minute", "tokens_per_month", "items_max"),
    *("found_at", "reporter"),
)
_OPTIONS: Final[Mapping[str, str]] = {
    "first_key.name": "--key-name",
    **{field: f"--{field.replace('_', '-')}" for field in _NAMED_ALIKE},
    "scopes": "--scope",
    "networks": "--network",
    "endpoints": "--endpoint",
    "models": "--model",
    "expire_time": "--expires",
    "month": "--month",
    "key_id": "--key-id",
    "start_time": "--from",
    "end_time": "--to",
    "price.valid_from": "--from",
    "price.base_fee_minor_units": "--base-fee",
    "price.included_tokens": "--included-tokens",
    "price.overage_micros_per_million_tokens": "--overage-per-million-tokens",
    "amount_minor_units": "--credit or --charge",
    "tier.name": "TIER",
}
"""How a request's fields are written here."""
_LISTED_BY: Final[Mapping[str, str]] = {
    "account": "tessera accounts list",
    "key": "tessera keys list",
    "tier": "tessera tiers list",
    "pepper": "tessera pepper status",
    "invoice": "tessera invoices list",
}
_NOT_KEPT: Final = (
    "Nothing is kept about this request. Either it is older than 7 days; or it was allowed, and not"
    " in the sample that is kept of those; or Envoy refused it before authz was asked, which its"
    " log tells by the same id: on one machine `tessera logs envoy | grep REQUEST`. Rarely, it was"
    " refused only a moment ago, or not recorded because too many were refused at once"
    " (authz_decisions_dropped_total)"
)
_MAIL_REFUSED: Final = (
    "{said}; mend the address or what is wrong with the mail server, or make it with --no-key"
)
_SENTENCES: Final[Mapping[grpc.StatusCode, str]] = {
    grpc.StatusCode.ALREADY_EXISTS: "{said}; choose another name",
    grpc.StatusCode.RESOURCE_EXHAUSTED: "{said}; try again in {seconds} s",
    grpc.StatusCode.PERMISSION_DENIED: "{said}; use the certificate of a role that may",
    grpc.StatusCode.UNAUTHENTICATED: "{said}; make one that does with `tessera certs issue`",
    # The server may have done it, and its answer be lost.
    grpc.StatusCode.UNAVAILABLE: "{said}; look whether it was done, then try again",
    grpc.StatusCode.DEADLINE_EXCEEDED: "The server did not answer in time;"
    " look whether it was done, then try again",
    grpc.StatusCode.INTERNAL: "The server failed ({said}); its log says more",
    grpc.StatusCode.UNKNOWN: "The server failed ({said}); its log says more",
    grpc.StatusCode.UNIMPLEMENTED: "The server does not know this call;"
    " it is older than this command, so update it",
}
"""What to do next; the server's own sentence is enough where there is none here."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What came back. `reason` is the server's own word; empty if the call never reached it."""

    code: grpc.StatusCode
    message: str
    reason: str = ""
    violations: tuple[tuple[str, str], ...] = ()
    """Fields, and what is wrong with each."""
    resource_type: str = ""
    retry_seconds: float = 0.0

    @property
    def is_passing(self) -> bool:
        """Whether the same call may well succeed a moment later."""
        return self.code is grpc.StatusCode.UNAVAILABLE and _NOT_BELIEVED not in self.message


def read_failure(error: grpc.RpcError) -> Failure:
    """Read a status and the `google.rpc` details beside it."""
    if not isinstance(error, grpc.Call):
        return Failure(grpc.StatusCode.UNKNOWN, str(error))
    failure = Failure(error.code(), error.details() or "")
    for detail in _read_details(error):
        failure = _add(failure, detail)
    return failure


def to_error(failure: Failure, server: Server) -> CommandError:
    """Return the sentence and the exit code for a failure."""
    return CommandError(_explain(failure, server), _EXITS.get(failure.code, Exit.REFUSED))


def _add(failure: Failure, detail: Message) -> Failure:
    match detail:
        case ErrorInfo():
            return replace(failure, reason=detail.reason)
        case BadRequest():
            violations = ((each.field, each.description) for each in detail.field_violations)
            return replace(failure, violations=tuple(violations))
        case ResourceInfo():
            return replace(failure, resource_type=detail.resource_type)
        case RetryInfo():
            wait = detail.retry_delay.ToTimedelta()
            return replace(failure, retry_seconds=wait.total_seconds())
        case _:
            return failure


def _read_details(call: grpc.Call) -> Iterable[Message]:
    packed = dict(call.trailing_metadata() or ()).get(_DETAILS_KEY)
    try:
        status = Status.FromString(packed if isinstance(packed, bytes) else b"")
    except DecodeError:
        return
    for each in status.details:
        for kind in (ErrorInfo, BadRequest, ResourceInfo, RetryInfo):
            detail = kind()
            if each.Unpack(detail):
                yield detail


def _explain(failure: Failure, server: Server) -> str:
    # What to do with a request id is for programs: a command has none to send again.
    said = failure.message.removesuffix(".").partition("; send ")[0]
    if failure.violations:
        return _explain_violations(failure.violations)
    if failure.code is grpc.StatusCode.UNAVAILABLE and not failure.reason:
        return _explain_absence(failure, server)
    if failure.code is grpc.StatusCode.NOT_FOUND and failure.resource_type == "decision":
        return _NOT_KEPT
    if failure.code is grpc.StatusCode.NOT_FOUND and failure.resource_type in _LISTED_BY:
        return f"{said}; see `{_LISTED_BY[failure.resource_type]}`"
    if failure.reason == "MAIL_NOT_ACCEPTED":
        return _MAIL_REFUSED.format(said=said)
    seconds = max(1, round(failure.retry_seconds))
    return _SENTENCES.get(failure.code, "{said}").format(said=said, seconds=seconds)


def _explain_violations(violations: Iterable[tuple[str, str]]) -> str:
    """Say what is wrong with which options, once for those of which it is the same."""
    options: dict[str, list[str]] = {}
    for field, description in violations:
        wrong = description.removesuffix(".")
        if listed_by := _LISTED_BY.get(field.rpartition(".")[2]):
            wrong = f"{wrong}, see `{listed_by}`"
        options.setdefault(wrong, []).append(_to_option(field))
    return "; ".join(f"{', '.join(names)} {wrong}" for wrong, names in options.items())


def _to_option(field: str) -> str:
    path = field.partition("[")[0]
    return _OPTIONS.get(path) or _OPTIONS.get(path.rpartition(".")[2]) or field


def _explain_absence(failure: Failure, server: Server) -> str:
    match server:
        case LocalServer():
            return (
                "The admin server does not answer;"
                f" see `tessera status --state {server.state}` and"
                f" `tessera logs admin --state {server.state}`"
            )
        case RemoteServer() if _NOT_BELIEVED in failure.message:
            return (
                f"{server.address} shows no certificate for this address of the CA in"
                f" {server.ca}; it may be another server"
            )
        case RemoteServer():
            reason = failure.message.rpartition("last error: ")[2]
            return (
                f"{server.address} cannot be reached ({reason}); look at the address,"
                f" and that the server trusts who issued {server.certificate}"
            )
