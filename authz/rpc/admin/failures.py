"""Why a call failed, in gRPC's words: a status, and details that programs can read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import grpc
from google.protobuf.message import DecodeError, Message
from google.rpc.error_details_pb2 import (
    BadRequest,
    ErrorInfo,
    PreconditionFailure,
    ResourceInfo,
    RetryInfo,
)
from google.rpc.status_pb2 import Status

from authz.domain.administration.refusals import (
    AlreadyExistsError,
    BusyError,
    FieldViolation,
    InvalidFieldsError,
    MailNotAcceptedError,
    NotFoundError,
    NotStoredError,
    PreconditionError,
    RequestIdReusedError,
    ResourceError,
)
from authz.domain.undecided import DatabaseError
from authz.rpc.admin.identity import NotIdentifiedError
from authz.rpc.admin.permissions import NotAllowedError

_DOMAIN: Final = "tessera"
_DETAILS_KEY: Final = "grpc-status-details-bin"
_RETRY_SECONDS: Final = 1
# A client takes 8 KiB of metadata; there the message and the details are written much longer.
_VIOLATIONS_BYTES_MAX: Final = 2048
_TEXT_BYTES_MAX: Final = 400


@dataclass(frozen=True, slots=True)
class Failure:
    """What the caller is told."""

    code: grpc.StatusCode
    reason: str
    message: str
    details: tuple[Message, ...] = ()

    def metadata(self) -> tuple[tuple[str, bytes], ...]:
        """Return the trailing metadata that carries the details."""
        status = Status(code=self.code.value[0], message=self.message)
        for detail in (ErrorInfo(domain=_DOMAIN, reason=self.reason), *self.details):
            status.details.add().Pack(detail)
        return ((_DETAILS_KEY, status.SerializeToString()),)


def _invalid_fields(error: InvalidFieldsError) -> Failure:
    return _bad_request("INVALID_FIELDS", *error.violations)


def _not_found(error: NotFoundError) -> Failure:
    return Failure(
        grpc.StatusCode.NOT_FOUND, "NOT_FOUND", _shorten(str(error)), (_resource(error),)
    )


def _already_exists(error: AlreadyExistsError) -> Failure:
    code = grpc.StatusCode.ALREADY_EXISTS
    return Failure(code, "ALREADY_EXISTS", _shorten(str(error)), (_resource(error),))


def _precondition(error: PreconditionError) -> Failure:
    message = _shorten(str(error))
    violation = PreconditionFailure.Violation(
        type=error.kind.upper(), subject=_shorten(error.name), description=message
    )
    details = (PreconditionFailure(violations=[violation]), _resource(error))
    return Failure(grpc.StatusCode.FAILED_PRECONDITION, "PRECONDITION", message, details)


def _request_id_reused(error: RequestIdReusedError) -> Failure:
    return _bad_request("REQUEST_ID_REUSED", FieldViolation("request_id", str(error)))


def _mail_not_accepted(error: MailNotAcceptedError) -> Failure:
    code = grpc.StatusCode.FAILED_PRECONDITION
    message = f"Nothing was made, for the welcome mail was not accepted: {error}"
    return Failure(code, "MAIL_NOT_ACCEPTED", _shorten(message))


def _not_stored(error: NotStoredError) -> Failure:
    return Failure(grpc.StatusCode.ABORTED, "NOT_STORED", _shorten(str(error)))


def _busy(error: BusyError) -> Failure:
    code = grpc.StatusCode.RESOURCE_EXHAUSTED
    return Failure(code, "BUSY", _shorten(str(error)), (_retry(),))


def _database(_: DatabaseError) -> Failure:
    message = "The database does not answer; send the request again with the same request id."
    return Failure(grpc.StatusCode.UNAVAILABLE, "DATABASE_UNAVAILABLE", message, (_retry(),))


def _not_a_message(_: DecodeError) -> Failure:
    message = "The request's bytes are not a message of this method."
    return Failure(grpc.StatusCode.INVALID_ARGUMENT, "NOT_A_MESSAGE", message)


def _not_identified(error: NotIdentifiedError) -> Failure:
    return Failure(grpc.StatusCode.UNAUTHENTICATED, "NOT_IDENTIFIED", str(error))


def _not_allowed(error: NotAllowedError) -> Failure:
    return Failure(grpc.StatusCode.PERMISSION_DENIED, "NOT_ALLOWED", str(error))


def _too_long(_: TimeoutError) -> Failure:
    message = "It took too long; send it again with the same request id to learn what became of it."
    return Failure(grpc.StatusCode.DEADLINE_EXCEEDED, "TOO_LONG", message)


ANSWERS: Final[Mapping[type[Exception], Callable[[Any], Failure]]] = {
    InvalidFieldsError: _invalid_fields,
    NotFoundError: _not_found,
    AlreadyExistsError: _already_exists,
    PreconditionError: _precondition,
    RequestIdReusedError: _request_id_reused,
    MailNotAcceptedError: _mail_not_accepted,
    NotStoredError: _not_stored,
    BusyError: _busy,
    DatabaseError: _database,
    DecodeError: _not_a_message,
    NotIdentifiedError: _not_identified,
    NotAllowedError: _not_allowed,
    TimeoutError: _too_long,
}
"""The one table of errors."""

UNKNOWN: Final = Failure(
    grpc.StatusCode.INTERNAL, "INTERNAL", "Something went wrong here; the log says what."
)


def explain(error: Exception) -> Failure:
    """Return what the table says of an error, `UNKNOWN` where it says nothing."""
    answer = ANSWERS.get(type(error))
    return UNKNOWN if answer is None else answer(error)


def _bad_request(reason: str, *violations: FieldViolation) -> Failure:
    shown = BadRequest()
    for each in violations:
        shown.field_violations.add(
            field=_shorten(each.field), description=_shorten(each.description)
        )
        if shown.ByteSize() > _VIOLATIONS_BYTES_MAX:
            break
    message = "; ".join(f"{each.field}: {each.description}" for each in shown.field_violations)
    return Failure(grpc.StatusCode.INVALID_ARGUMENT, reason, _shorten(message), (shown,))


def _resource(error: ResourceError) -> ResourceInfo:
    return ResourceInfo(
        resource_type=error.kind,
        resource_name=_shorten(error.name),
        description=_shorten(str(error)),
    )


def _retry() -> RetryInfo:
    retry = RetryInfo()
    retry.retry_delay.FromSeconds(_RETRY_SECONDS)
    return retry


def _shorten(text: str) -> str:
    encoded = text.encode()
    if len(encoded) <= _TEXT_BYTES_MAX:
        return text
    return encoded[:_TEXT_BYTES_MAX].decode(errors="ignore") + "…"
