"""The last good directory on the local disk, so that a process can start without PostgreSQL."""

import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from struct import Struct
from typing import Final
from uuid import UUID

from authz.domain.directory import BadDirectoryError
from authz.domain.packed_directory import Directory
from authz.domain.pepper import Peppers
from authz.domain.snapshot import NEVER, Snapshot
from authz.storage.directory_records import DirectoryRecords, encode_changes
from authz.storage.sealed_log import Header, SealedLog

_FACTS: Final = Struct("<16sdd")
_EMPTY: Final = Directory(0)
_KEY_BYTES_MAX: Final = 1024
"""What a key may take, with its account and what was added since, before it is a mistake."""
_SMALL_BYTES: Final = 2**24


class SnapshotFile:
    """A log of states, each as what differs from the one before. It holds digests, and no key.

    A state is written at the cost of what changed, and how fresh it is at the cost of a header.
    Once more was added than there was, the log is written anew beside itself, and takes its place.
    Any pepper that `peppers` gives may have sealed it. Its times count from when the machine
    started, `boot`; on another, what it holds is as old as can be.
    """

    def __init__(
        self, path: Path, peppers: Callable[[], Peppers], boot: UUID, keys_max: int
    ) -> None:
        self._path = path
        self._peppers = peppers
        self._boot = boot
        self._bytes_max = _SMALL_BYTES + keys_max * _KEY_BYTES_MAX
        self._keys_max = keys_max
        self._log: SealedLog | None = None
        self._written = _EMPTY
        self._facts = b""
        self._lock = threading.Lock()

    def read(self) -> Snapshot | None:
        """Return what was last written; nothing where there is no file.

        Raises:
            BadDirectoryError: the file is cut, changed, or sealed with a pepper not known here.
            OSError: it cannot be read.
        """
        try:
            log = SealedLog.open(self._path, self._peppers)
        except FileNotFoundError:
            return None
        refusal = BadDirectoryError("no seal of the snapshot fits, or it is of another release")
        for header in log.headers():
            try:
                directory = self._read_directory(log, header)
            except BadDirectoryError as error:
                refusal = error
                continue
            # Of an earlier state than the last nobody knows what was told since.
            facts = header.facts if log.is_last(header) else self._never()
            self._log, self._written, self._facts = log, directory, facts
            return self._date(directory, facts)
        log.close()
        raise refusal

    def _read_directory(self, log: SealedLog, header: Header) -> Directory:
        if header.length > self._bytes_max:
            raise BadDirectoryError(f"the snapshot is longer than {self._bytes_max} bytes")
        records = DirectoryRecords()
        for kind, content in log.read(header):
            records.add(kind, content)
        directory = records.build(frozenset(self._peppers().ids))
        if directory.key_count > self._keys_max:
            raise BadDirectoryError(f"there are more than {self._keys_max} keys")
        return directory

    def _date(self, directory: Directory, facts: bytes) -> Snapshot:
        boot, heard_at, fresh_until = _FACTS.unpack(facts)
        if boot != self._boot.bytes:
            return Snapshot(directory, NEVER, NEVER)
        return Snapshot(directory, heard_at, fresh_until)

    def _never(self) -> bytes:
        return _FACTS.pack(self._boot.bytes, NEVER, NEVER)

    def write(self, snapshot: Snapshot) -> None:
        """Write what differs from what was last written. Where that fails, that one still counts.

        Raises:
            OSError: the disk is full, or not ours.
        """
        directory = snapshot.directory
        facts = _FACTS.pack(self._boot.bytes, snapshot.heard_at, snapshot.fresh_until)
        with self._lock:
            if self._log is None or not self._can_follow(self._log, directory):
                self._replace(self._make("new", directory, facts))
            else:
                self._log.write(encode_changes(directory, self._written), facts)
            self._written, self._facts = directory, facts

    def _can_follow(self, log: SealedLog, directory: Directory) -> bool:
        """Tell whether a state came from the one before by changes, and there is room for them."""
        is_later = directory.packed.terms is self._written.packed.terms
        return is_later and log.length <= self._bytes_max // 2

    def withdraw(self) -> None:
        """Keep nothing from which anybody could be let in; a state that is too old may stay.

        Raises:
            OSError: what was there is there still.
        """
        with self._lock:
            if self._log is not None:
                facts = self._never()
                # Needs no space, so that it works on a disk that is full.
                with suppress(OSError):
                    self._log.write((), facts)
                    self._facts = facts
                    return
            self._path.unlink(missing_ok=True)
            if self._log is not None:
                self._log.close()
            self._log, self._written = None, _EMPTY

    def compact(self) -> None:
        """Write the log anew where more was added to it than there was at first.

        That can take a second, in which states are written as ever.

        Raises:
            OSError: the disk is full, or not ours; the log stays as it is.
        """
        with self._lock:
            log, written, facts = self._log, self._written, self._facts
        if log is None or log.length - log.base_length <= max(log.base_length, _SMALL_BYTES):
            return
        fresh = self._make("compact", written, facts)
        with self._lock:
            if self._log is not log:  # it was replaced or removed meanwhile
                fresh.remove()
                return
            fresh.write(encode_changes(self._written, written), self._facts)
            self._replace(fresh)

    def _make(self, suffix: str, directory: Directory, facts: bytes) -> SealedLog:
        """Write a whole log beside the one that counts."""
        log = SealedLog.create(self._path.with_name(f"{self._path.name}.{suffix}"), self._peppers)
        try:
            log.write(encode_changes(directory, _EMPTY), facts)
        except OSError:
            log.remove()
            raise
        return log

    def _replace(self, fresh: SealedLog) -> None:
        fresh.move(self._path)
        if self._log is not None:
            self._log.close()
        self._log = fresh
