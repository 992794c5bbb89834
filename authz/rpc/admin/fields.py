"""Reads the wire's own kinds of values in a request, and collects what is wrong with them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final, TypeVar

from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp

from authz.domain.administration.fields import Fields
from authz.domain.administration.paging import SIZE_MAX
from authz.domain.administration.records import PageRequest

E = TypeVar("E", bound=StrEnum)

PAGE_SIZE: Final = 100


class WireFields(Fields):
    """What one request says, in protobuf's well-known types."""

    def required(self, path: str, value: str) -> str:
        """Read a text that must be there; whether it can be used is found out elsewhere."""
        if not value.strip():
            self.refuse(path, "is required")
        return value

    def enum(self, path: str, number: int, values: Mapping[int, E]) -> E | None:
        """Read an enum; 0 is nothing."""
        if number and number not in values:
            self.refuse(path, f"has no value {number}")
        return values.get(number)

    def duration(self, path: str, sent: Duration, maximum: timedelta) -> timedelta:
        """Read a duration of at least 0."""
        try:
            value = sent.ToTimedelta()
        except (OverflowError, ValueError):
            value = timedelta(-1)
        if not timedelta() <= value <= maximum:
            self.refuse(path, f"must be between 0 and {maximum.total_seconds():.0f} seconds")
            return timedelta()
        return value

    def moment(self, path: str, sent: Timestamp) -> datetime | None:
        """Read a point in time."""
        try:
            return sent.ToDatetime(UTC)
        except (OverflowError, ValueError):
            self.refuse(path, "is not a point in time")
            return None

    def page(self, size: int, token: str) -> PageRequest:
        """Read which page is asked for."""
        if not 0 <= size <= SIZE_MAX:
            self.refuse("page_size", f"must be 1 to {SIZE_MAX}")
        return PageRequest(size or PAGE_SIZE, token or None)

    def mask(self, sent: FieldMask, known: tuple[str, ...]) -> frozenset[str]:
        """Read which fields are meant, of those that there are."""
        for path in sorted(set(sent.paths) - set(known)):
            self.refuse("update_mask", f"holds {path}, which is none of: {', '.join(known)}")
        return frozenset(sent.paths)

    def changed(self, sent: FieldMask, known: tuple[str, ...]) -> frozenset[str]:
        """Read which fields are to be changed: at least one."""
        if not sent.paths:
            self.refuse("update_mask", f"must name what is to be changed: {', '.join(known)}")
        return self.mask(sent, known)


@contextmanager
def reading() -> Iterator[WireFields]:
    """Read fields. Raises `InvalidFieldsError` at the end, with all that is wrong."""
    fields = WireFields()
    yield fields
    fields.check()
