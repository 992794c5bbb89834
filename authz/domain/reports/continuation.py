"""Where a report goes on."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self
from uuid import UUID

from authz.domain.directory import AccountId, KeyId
from authz.domain.reports.span import Span
from authz.domain.reports.usage import Group


@dataclass(frozen=True, slots=True)
class Continuation:
    """The bucket that the next page begins with, in it the last group that was told already.

    `end` is the whole report's, as it was when it began: it does not grow while it is read.
    """

    end: datetime
    bucket: datetime
    after: Group | None = None

    def write(self) -> str:
        """Return it as a text."""
        end, bucket = int(self.end.timestamp()), int(self.bucket.timestamp())
        return json.dumps([end, bucket, *_write_group(self.after)])

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Return what a text says; nothing where it was not written here."""
        try:
            end, bucket, *group = json.loads(text)
            return cls(_moment(end), _moment(bucket), _parse_group(group))
        except (AttributeError, OSError, OverflowError, RecursionError, TypeError, ValueError):
            return None

    def is_within(self, span: Span) -> bool:
        """Tell whether it can be of a report about a time."""
        return span.start <= self.bucket <= self.end <= span.end


def _write_group(group: Group | None) -> list[str | None]:
    if group is None:
        return []
    ids = (None if each is None else str(each) for each in (group.account_id, group.key_id))
    return [*ids, group.model]


def _parse_group(written: list[str | None]) -> Group | None:
    if not written:
        return None
    account, key, model = written
    if model is not None and not model.isprintable():
        raise ValueError(model)
    return Group(
        None if account is None else AccountId(UUID(account)),
        None if key is None else KeyId(UUID(key)),
        model,
    )


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
