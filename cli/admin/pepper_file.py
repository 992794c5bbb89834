"""The pepper file: one pepper a line, the oldest first."""

import fcntl
import hmac
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from cli.private_files import replace
from cli.refusal import CommandError

_BYTES: Final = 32
_ID_CONTEXT: Final = b"tessera pepper id"


def add_pepper(path: Path, make_bytes: Callable[[int], bytes]) -> str:
    """Append a fresh pepper, in a file that takes the old one's place; return the pepper's id.

    Raises:
        CommandError: it is no pepper file, or cannot be written.
    """
    try:
        target = path.resolve(strict=True)  # a link stays one
        with _locked(target.parent):
            text = target.read_text()
            _check(path, text)
            secret = make_bytes(_BYTES)
            whole = text if text.endswith("\n") else f"{text}\n"
            replace(target, f"{whole}{secret.hex()}\n".encode())
    except FileNotFoundError:
        raise CommandError(f"There is no {path}; name the file that the servers read") from None
    except BlockingIOError:
        raise CommandError(f"Somebody is changing {path} now; try again") from None
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise CommandError(f"{path} cannot be changed: {reason}") from None
    return pepper_id(secret)


def pepper_id(secret: bytes) -> str:
    """Return the name that the servers know a pepper by, which does not reveal it."""
    return hmac.digest(secret, _ID_CONTEXT, "sha256").hex()[:8]


def _check(path: Path, text: str) -> None:
    """A file with anything else in it is somebody's by mistake, and no server would read it."""
    peppers = 0
    for number, line in enumerate(text.splitlines(), start=1):
        content = line.partition("#")[0].strip()
        if content and not _is_pepper(content):
            raise CommandError(f"{path} is no pepper file: line {number} is not 32 bytes in hex")
        peppers += bool(content)
    if not peppers:
        raise CommandError(f"{path} is no pepper file: there is no pepper in it")


def _is_pepper(text: str) -> bool:
    try:
        return len(bytes.fromhex(text)) == _BYTES
    except ValueError:
        return False


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)
