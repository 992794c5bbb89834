"""From the wire's kinds of values to ours."""

from datetime import UTC, datetime, timedelta

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from authz.domain.administration.actor import Actor, Role
from authz.domain.administration.records import PageRequest
from authz.domain.administration.refusals import InvalidFieldsError
from authz.domain.directory import AccountStatus
from authz.rpc.admin.account_messages import ACCOUNT_STATUSES
from authz.rpc.admin.call import Call, digest
from authz.rpc.admin.fields import WireFields, reading
from authz.rpc.admin.key_messages import KEY_STATUSES
from proto.tessera.admin.v1 import accounts_pb2, keys_pb2
from proto.tessera.admin.v1.keys_pb2 import RevokeKeyRequest

_CALL = Call(Actor("ada", Role.OWNER, "unix"), "RevokeKey")
_ID = "0b8f3d9e-6f0e-4a2c-9b57-0f6a4a2f6f11"


def _violations(fields: WireFields) -> list[str]:
    try:
        fields.check()
    except InvalidFieldsError as error:
        return [each.field for each in error.violations]
    return []


def test_all_that_is_wrong_is_collected() -> None:
    """A caller mends a request once, not once per field."""
    fields = WireFields()
    fields.required("account", "  ")
    fields.page(1001, "")
    fields.mask(FieldMask(paths=["name", "id", "nonsense"]), ("name",))
    fields.moment("expire_time", Timestamp(seconds=10**13))
    fields.duration("grace", Duration(seconds=-1), timedelta(hours=1))
    fields.enum("status", 9, ACCOUNT_STATUSES)
    _CALL.change(RevokeKeyRequest(request_id="x"), fields)
    assert _violations(fields) == [
        *("account", "page_size", "update_mask", "update_mask"),
        *("expire_time", "grace", "status", "request_id"),
    ]


def test_good_values_arrive() -> None:
    """Each as what the services take."""
    with reading() as fields:
        moment = fields.moment("a", Timestamp(seconds=1, nanos=500_000_000))
        assert moment == datetime(1970, 1, 1, 0, 0, 1, 500_000, tzinfo=UTC)
        maximum = timedelta(hours=1)
        assert fields.duration("b", Duration(seconds=3600), maximum) == maximum
        assert fields.duration("b", Duration(), maximum) == timedelta()
        assert fields.enum("c", 2, ACCOUNT_STATUSES) is AccountStatus.SUSPENDED
        assert fields.enum("c", 0, ACCOUNT_STATUSES) is None
        assert fields.mask(FieldMask(paths=["a", "a"]), ("a", "b")) == {"a"}


@pytest.mark.parametrize(("sent", "size"), [(0, 100), (1, 1), (1000, 1000)])
def test_a_page_has_from_1_to_1000_items(sent: int, size: int) -> None:
    """100 where nothing is said."""
    assert WireFields().page(sent, "") == PageRequest(size)
    assert WireFields().page(sent, "t") == PageRequest(size, "t")


@pytest.mark.parametrize("sent", [-1, 1001, 2**31 - 1])
def test_other_sizes_are_refused(sent: int) -> None:
    """Rather than cut to a size that nobody asked for."""
    fields = WireFields()
    fields.page(sent, "")
    assert _violations(fields) == ["page_size"]


_SECONDS = st.integers(-(2**63), 2**63 - 1)
_NANOS = st.integers(-(2**31), 2**31 - 1)


@given(_SECONDS, _NANOS)
def test_no_time_on_the_wire_is_too_odd(seconds: int, nanos: int) -> None:
    """Whatever the bytes said, it is a value of ours or a violation."""
    fields = WireFields()
    maximum = timedelta(days=1)
    duration = fields.duration("a", Duration(seconds=seconds, nanos=nanos), maximum)
    moment = fields.moment("b", Timestamp(seconds=seconds, nanos=nanos))
    assert timedelta() <= duration <= maximum
    assert moment is not None or "b" in _violations(fields)


def test_every_status_that_can_be_sent_is_known() -> None:
    """A status that is added to the wire is added to ours."""
    for wire, ours in (
        (accounts_pb2.AccountStatus.values(), ACCOUNT_STATUSES),
        (keys_pb2.KeyStatus.values(), KEY_STATUSES),
    ):
        assert set(wire) == {0, *ours}
        assert len(set(ours.values())) == len(ours)


def test_a_request_id_that_is_missing_is_made() -> None:
    """Another for each call."""
    with reading() as fields:
        made = {_CALL.change(RevokeKeyRequest(), fields).id for _ in range(2)}
    assert len(made) == 2


def test_a_request_is_known_again_however_it_is_sent() -> None:
    """Its id, and how long its sender waits, change nothing of what it asks for."""
    plain = RevokeKeyRequest(id=_ID, reason="lost")
    other_way = RevokeKeyRequest(id=_ID, reason="lost", request_id=_ID, wait=True)
    other_way.timeout.FromSeconds(3)
    assert digest(plain) == digest(other_way)
    assert digest(plain) != digest(RevokeKeyRequest(id=_ID, reason="found"))
    assert other_way.request_id == _ID
