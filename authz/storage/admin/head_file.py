"""The end of the audit that a process has seen last, on its own disk."""

import json
import os
import threading
from pathlib import Path

from authz.domain.administration.audit_chain import Head


class BadHeadFileError(Exception):
    """The file of the audit's last end was damaged, or is not ours; the message names it."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path} (AUTHZ_AUDIT_HEAD_FILE) was damaged, or is not ours: learn why, remove it,"
            " and compare the audit with a head that you wrote down."
        )


class HeadFile:
    """Out of reach for whoever can write the database: an audit cut short is shorter than this.

    To go on from a database that was put back on purpose, the file is removed.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writing = threading.Lock()

    def recall(self) -> Head | None:
        """Return what is kept, if anything is.

        Raises:
            BadHeadFileError: it cannot be understood.
            OSError: it cannot be read.
        """
        try:
            text = self._path.read_text("ascii")
        except FileNotFoundError:
            return None
        except UnicodeDecodeError:
            raise BadHeadFileError(self._path) from None
        head = _parse(text)
        if head is None:
            raise BadHeadFileError(self._path)
        return head

    def remember(self, head: Head) -> None:
        """Keep an end, unless a later one is kept already.

        Raises:
            BadHeadFileError: what is kept cannot be understood.
            OSError: the disk is full, or not ours.
        """
        with self._writing:
            known = self.recall()
            if known is None or known.number < head.number:
                self._write(head)

    def _write(self, head: Head) -> None:
        unfinished = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(json.dumps({"number": head.number, "hash": head.hash.hex()}) + "\n")
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(self._path)


def _parse(text: str) -> Head | None:
    try:
        match json.loads(text):
            case {"number": int(number), "hash": str(hash_)}:
                return Head(number, bytes.fromhex(hash_))
    except ValueError:
        pass
    return None
