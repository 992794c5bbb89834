"""The table `notices`."""

import json
from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

import asyncpg

from authz.domain.administration.mail import LeakMail
from authz.domain.administration.notice import Notice
from authz.storage.admin.connection import Connection

_LEAK: Final = "leak"


class NoticeRows:
    """Mails that are still to be sent, by one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def insert(self, mail: LeakMail) -> None:
        """Leave a mail to be sent."""
        facts = {
            "account_name": mail.account_name,
            "key_name": mail.key_name,
            "environment": mail.environment,
            "shown": mail.shown,
            "found_at": mail.found_at,
            "reporter": mail.reporter,
            "at": mail.at.isoformat(),
        }
        await self._connection.execute(_INSERT, uuid4(), _LEAK, mail.recipient, json.dumps(facts))

    async def claim(self, attempts_max: int) -> Notice | None:
        """Take a mail whose time has come; nobody else is given it for a minute or more.

        Each attempt that is not followed by `delete` doubles the wait for the next.
        """
        row = await self._connection.fetchrow(_CLAIM, attempts_max)
        return None if row is None else _parse(row)

    async def delete(self, notice_id: UUID) -> None:
        """Forget a mail that was sent."""
        await self._connection.execute(_DELETE, notice_id)


_INSERT: Final = "INSERT INTO notices (id, kind, recipient, facts) VALUES ($1, $2, $3, $4)"

_CLAIM: Final = """
    UPDATE notices
       SET attempts = attempts + 1,
           next_attempt_at = clock_timestamp()
                             + least(interval '1 minute' * 2 ^ attempts, interval '6 hours')
     WHERE id = (SELECT id FROM notices
                  WHERE next_attempt_at <= clock_timestamp() AND attempts < $1
                  ORDER BY next_attempt_at
                  LIMIT 1
                    FOR UPDATE SKIP LOCKED)
 RETURNING id, recipient, facts, attempts
"""

_DELETE: Final = "DELETE FROM notices WHERE id = $1"


def _parse(row: asyncpg.Record) -> Notice:
    facts = json.loads(row["facts"])
    mail = LeakMail(
        recipient=row["recipient"],
        account_name=facts["account_name"],
        key_name=facts["key_name"],
        environment=facts["environment"],
        shown=facts["shown"],
        found_at=facts["found_at"],
        reporter=facts["reporter"],
        at=datetime.fromisoformat(facts["at"]),
    )
    return Notice(row["id"], mail, row["attempts"])
