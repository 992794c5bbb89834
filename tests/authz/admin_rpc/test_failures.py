"""What a caller is told of a failure."""

from collections.abc import Iterator

import grpc
import pytest
from google.protobuf.message import DecodeError, Message
from google.rpc.error_details_pb2 import BadRequest, PreconditionFailure, ResourceInfo
from google.rpc.status_pb2 import Status

from authz.domain.administration.actor import Actor, Role
from authz.domain.administration.refusals import (
    AlreadyExistsError,
    BusyError,
    FieldViolation,
    InvalidFieldsError,
    MailNotAcceptedError,
    NotFoundError,
    NotStoredError,
    PreconditionError,
    RefusedError,
    RequestIdReusedError,
    ResourceError,
)
from authz.domain.undecided import DatabaseError
from authz.rpc.admin.failures import ANSWERS, UNKNOWN, explain
from authz.rpc.admin.identity import NotIdentifiedError
from authz.rpc.admin.permissions import NotAllowedError

_SAMPLES: dict[Exception, tuple[grpc.StatusCode, set[str]]] = {
    InvalidFieldsError(FieldViolation("name", "is wrong")): (
        grpc.StatusCode.INVALID_ARGUMENT,
        {"BadRequest"},
    ),
    NotFoundError("key", "k", "There is no such key."): (
        grpc.StatusCode.NOT_FOUND,
        {"ResourceInfo"},
    ),
    AlreadyExistsError("account", "a", "The name is taken."): (
        grpc.StatusCode.ALREADY_EXISTS,
        {"ResourceInfo"},
    ),
    PreconditionError("account", "a", "It is closed."): (
        grpc.StatusCode.FAILED_PRECONDITION,
        {"PreconditionFailure", "ResourceInfo"},
    ),
    RequestIdReusedError("was used before"): (grpc.StatusCode.INVALID_ARGUMENT, {"BadRequest"}),
    MailNotAcceptedError("550"): (grpc.StatusCode.FAILED_PRECONDITION, set()),
    NotStoredError("full"): (grpc.StatusCode.ABORTED, set()),
    BusyError("wait"): (grpc.StatusCode.RESOURCE_EXHAUSTED, {"RetryInfo"}),
    DatabaseError("OSError"): (grpc.StatusCode.UNAVAILABLE, {"RetryInfo"}),
    DecodeError("private"): (grpc.StatusCode.INVALID_ARGUMENT, set()),
    NotIdentifiedError("no URI"): (grpc.StatusCode.UNAUTHENTICATED, set()),
    NotAllowedError(Actor("a", Role.PORTAL, ""), "UpsertTier"): (
        grpc.StatusCode.PERMISSION_DENIED,
        set(),
    ),
    TimeoutError(): (grpc.StatusCode.DEADLINE_EXCEEDED, set()),
}


def _leaves(kind: type[Exception]) -> Iterator[type[Exception]]:
    for subclass in kind.__subclasses__():
        if subclass is not ResourceError:
            yield subclass
        yield from _leaves(subclass)


def _status(error: Exception) -> Status:
    [(key, content)] = explain(error).metadata()
    assert key == "grpc-status-details-bin"
    return Status.FromString(content)


def _detail(error: Exception, kind: type[Message]) -> Message:
    for packed in _status(error).details:
        detail = kind()
        if packed.Unpack(detail):
            return detail
    raise AssertionError("no such detail")


def test_the_table_is_total() -> None:
    """Every way to be refused has its answer, and every answer is tried here."""
    assert set(_leaves(RefusedError)) <= set(ANSWERS)
    assert {type(error) for error in _SAMPLES} == set(ANSWERS)


@pytest.mark.parametrize("error", _SAMPLES, ids=lambda error: type(error).__name__)
def test_each_failure_has_its_code_and_details(error: Exception) -> None:
    """And a reason that programs can rely on."""
    code, details = _SAMPLES[error]
    status = _status(error)
    assert explain(error).code is code
    assert status.code == code.value[0]
    names = [packed.TypeName().rpartition(".")[2] for packed in status.details]
    assert names[0] == "ErrorInfo"
    assert set(names[1:]) == details


def test_a_refusal_of_a_kind_that_is_not_in_the_table_tells_nothing() -> None:
    """Nor does anything else that nobody expected."""
    for error in (RefusedError("private"), ValueError("private"), KeyError("private")):
        assert explain(error) is UNKNOWN
    assert b"private" not in _status(ValueError("private")).SerializeToString()
    assert b"private" not in _status(DecodeError("private")).SerializeToString()
    assert b"OSError" not in _status(DatabaseError("OSError")).SerializeToString()


def test_every_violation_is_told() -> None:
    """By the field's path, and in the sentence that people read."""
    error = InvalidFieldsError(FieldViolation("a", "is wrong"), FieldViolation("b.c", "is, too"))
    detail = _detail(error, BadRequest)
    assert isinstance(detail, BadRequest)
    told = [(each.field, each.description) for each in detail.field_violations]
    assert told == [("a", "is wrong"), ("b.c", "is, too")]
    assert explain(error).message == "a: is wrong; b.c: is, too"


def test_a_failure_fits_into_a_clients_metadata() -> None:
    """However much is wrong, in whatever script."""
    many = (FieldViolation(f"networks[{n}]", "文字" * 1000) for n in range(1000))
    for error in (InvalidFieldsError(*many), NotFoundError("key", "文" * 9000, "文" * 9000)):
        [(_, content)] = explain(error).metadata()
        assert len(content) * 4 / 3 + 3 * len(explain(error).message.encode()) < 8000


def test_a_resource_is_named() -> None:
    """By its kind and by what the caller called it."""
    error = PreconditionError("account", "acme", "It is closed.")
    resource, precondition = _detail(error, ResourceInfo), _detail(error, PreconditionFailure)
    assert isinstance(resource, ResourceInfo)
    assert isinstance(precondition, PreconditionFailure)
    assert (resource.resource_type, resource.resource_name) == ("account", "acme")
    assert precondition.violations[0].subject == "acme"


def test_a_reused_request_id_is_a_fault_of_that_field() -> None:
    """Which a caller mends by choosing another."""
    detail = _detail(RequestIdReusedError("was used before"), BadRequest)
    assert isinstance(detail, BadRequest)
    assert detail.field_violations[0].field == "request_id"
