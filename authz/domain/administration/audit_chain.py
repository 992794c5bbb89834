"""How the audit's entries hang together, and what shows that they do no longer.

Each entry is hashed with the hash before it, so none can be altered, removed or put elsewhere
without all that follow. Who can write them all anew cannot seal the end without a pepper, and an
end that was sealed earlier is older than the one a process remembers.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from authz.domain.administration.audit import AuditEntry
from authz.domain.administration.canonical import write_moment
from authz.domain.directory import PepperId
from authz.domain.pepper import Peppers

_ENTRY_CONTEXT: Final = b"tessera audit entry\0"
_HEAD_CONTEXT: Final = b"tessera audit head\0"
_ABSENT: Final = b"\0"
_PRESENT: Final = b"\1"


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the chain: the last entry's number and hash."""

    number: int
    hash: bytes

    @property
    def sealed_content(self) -> bytes:
        """Return what a seal is made of; its context keeps it apart from every other seal."""
        return _HEAD_CONTEXT + _encode(str(self.number)) + _encode(self.hash)


START: Final = Head(0, bytes(32))
"""The end of a chain without entries."""


@dataclass(frozen=True, slots=True)
class SealedHead:
    """The end as it is kept, with the seal of whoever wrote it."""

    head: Head
    pepper_id: PepperId
    seal: bytes = field(repr=False)

    @classmethod
    def make(cls, head: Head, peppers: Peppers, pepper_id: PepperId) -> "SealedHead":
        """Seal under one pepper."""
        return cls(head, pepper_id, peppers.seal(head.sealed_content, pepper_id))


@dataclass(frozen=True, slots=True)
class Ending:
    """What is kept of the chain's end, all read at one moment."""

    sealed: SealedHead | None
    last: Head
    """Of the entries themselves."""
    remembered: Head | None
    """What a process had seen the last time."""
    hash_where_remembered: bytes | None
    """What the entry of that number has now."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, in one sentence, and with which entry."""

    sentence: str
    number: int


def hash_entry(previous: bytes, entry: AuditEntry) -> bytes:
    """Return SHA-256 over the hash before an entry and every column but its own hash.

    Each part is preceded by its length, so that no two entries are written alike.
    """
    parts: tuple[str | bytes | None, ...] = (
        previous,
        str(entry.number),
        write_moment(entry.at),
        entry.actor,
        entry.role,
        entry.address,
        entry.method,
        entry.subject_kind,
        entry.subject,
        entry.request_id.bytes,
        entry.request_digest,
        entry.before,
        entry.after,
    )
    return hashlib.sha256(_ENTRY_CONTEXT + b"".join(map(_encode, parts))).digest()


def follow(head: Head, entries: Iterable[AuditEntry]) -> Head | Fault:
    """Return the end after these entries, or the first thing that is wrong with them."""
    for entry in entries:
        if entry.number <= head.number:
            return Fault(f"Entry {entry.number} was slipped in.", entry.number)
        if entry.number > head.number + 1:
            return Fault(f"Entry {head.number + 1} is missing.", head.number + 1)
        if entry.hash != hash_entry(head.hash, entry):
            return Fault(
                f"Entry {entry.number} is not what was written, or not where.", entry.number
            )
        head = Head(entry.number, entry.hash)
    return head


def find_fault(ending: Ending, peppers: Peppers) -> Fault | None:
    """Return what is wrong with the end; costs the same however long the chain is."""
    return _find_in_memory(ending) or _find_in_seal(ending, peppers)


def _find_in_memory(ending: Ending) -> Fault | None:
    seen, last = ending.remembered, ending.last
    if seen is None or ending.hash_where_remembered == seen.hash:
        return None
    if seen.number > last.number:
        return Fault(
            f"The audit ends at entry {last.number}, and entry {seen.number} was seen here:"
            " the database was put back to an older state, or its last entries were removed.",
            last.number + 1,
        )
    return Fault(
        f"Entry {seen.number} is not the one that was seen here:"
        " the database was put back to an older state, or the audit was written anew.",
        seen.number,
    )


def _find_in_seal(ending: Ending, peppers: Peppers) -> Fault | None:
    sealed, last = ending.sealed, ending.last
    if sealed is None:
        return None if last == START else Fault("The sealed end of the audit is gone.", last.number)
    head = sealed.head
    if sealed.pepper_id not in peppers:
        return Fault(
            f"The audit's end is sealed under pepper {sealed.pepper_id}, which is not known here.",
            head.number,
        )
    if not peppers.is_sealed(head.sealed_content, sealed.seal, sealed.pepper_id):
        return Fault("The audit's end was not sealed by us.", head.number)
    if head.number > last.number:
        return Fault(f"Entry {last.number + 1} is missing at the end.", last.number + 1)
    if head.number < last.number:
        return Fault(f"Entry {head.number + 1} was added without a seal.", head.number + 1)
    if head.hash != last.hash:
        return Fault(f"Entry {last.number} is not the one that was sealed.", last.number)
    return None


def _encode(part: str | bytes | None) -> bytes:
    if part is None:
        return _ABSENT
    content = part.encode() if isinstance(part, str) else part
    return _PRESENT + len(content).to_bytes(8, "big") + content
