"""What the admin's services need from outside, in their own words."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol, TypeVar

from authz.domain.administration.actor import ChangeRequest
from authz.domain.administration.audit import AuditEntry, Made, NothingMade
from authz.domain.administration.audit_chain import Head
from authz.domain.administration.mail import Mail
from authz.service.admin.tables import Tables

T = TypeVar("T")

Work = Callable[[Tables, datetime], Awaitable[Made[T] | NothingMade[T]]]
"""What a change does. The time is the database's; it may be called twice, and all that it did the
first time was undone."""
Replay = Callable[[Tables, AuditEntry], Awaitable[T]]
"""Tells how things are now, of a change that was made before."""


class Database(Protocol):
    """Where everything is kept. Every method raises `DatabaseError`."""

    async def change(self, request: ChangeRequest, work: Work[T], replay: Replay[T]) -> T:
        """Do `work` and audit it, all or nothing, while nobody else changes the directory.

        A request that was made before does nothing again: `replay` answers it.

        Raises:
            RefusedError: of `work`; the id is another request's; or the audit's end is not as it
                was left, so that nothing may be added to it.
        """
        ...

    def session(self) -> AbstractAsyncContextManager[Tables]:
        """Give tables in which every statement stands for itself."""
        ...

    def snapshot(self) -> AbstractAsyncContextManager[Tables]:
        """Give tables as they are at one moment, to read from."""
        ...

    def maintenance(self) -> AbstractAsyncContextManager[Tables]:
        """Give tables for one transaction that no audit tells of.

        For what changes how something is kept, never what anybody may do.
        """
        ...

    def alone(self, *names: str) -> AbstractAsyncContextManager[None]:
        """Let no other process, nor another task of this one, be here under one of these names.

        Raises:
            BusyError: another one is here.
        """
        ...

    def recall_head(self) -> Head | None:
        """Return the end of the audit that was seen here last.

        Raises:
            PreconditionError: it cannot be read, so that an audit cut short would not show.
        """

    async def remember_head(self, head: Head) -> None:
        """Keep an end that was seen."""


class Mailer(Protocol):
    """A way to customers."""

    async def send(self, mail: Mail) -> None:
        """Return when the mail server has accepted the message.

        Raises:
            MailNotAcceptedError: it has not; the message is one sentence.
        """
