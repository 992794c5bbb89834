"""A folder in the place of a mail server, for one machine."""

import asyncio
import os
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from authz.domain.administration.mail import Mail
from authz.domain.administration.refusals import MailNotAcceptedError
from authz.mail.message import MessageWriter


class OutboxMailer:
    """Keeps each mail as an .eml file; their names sort by time."""

    def __init__(self, writer: MessageWriter, folder: Path, clock: Callable[[], datetime]) -> None:
        self._writer = writer
        self._folder = folder
        self._clock = clock

    async def send(self, mail: Mail) -> None:
        """Return once the message is on disk. Raises `MailNotAcceptedError`."""
        envelope = self._writer.write(mail)
        moment = f"{self._clock().astimezone(UTC):%Y%m%dT%H%M%S.%fZ}"
        path = self._folder / f"{moment}-{secrets.token_hex(8)}.eml"
        try:
            await asyncio.to_thread(_store, path, envelope.content)
        except OSError as error:
            raise MailNotAcceptedError(
                f"The message cannot be written to {self._folder}: {error.strerror}."
            ) from error


def _store(path: Path, content: bytes) -> None:
    """Write a file that is there whole or not at all, also after a power cut."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part")
    try:
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor is no path
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(path)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
