"""Charges requests against an account's limit per minute, in one atomic statement."""

from collections.abc import Callable
from typing import Final

from authz.domain.bucket import Bucket
from authz.domain.directory import AccountId
from authz.storage.short_statements import ShortStatements

# Bucket.owe() and take() in SQL, by the database's clock, which all processes share. now() is taken
# when the statement begins, so one that waited for the row may carry an older time than the row
# does: it refills nothing then. A row from the far future means that the clock was set back; it
# starts anew from here, or it would not refill until the clock has caught up.
_TAKE: Final = """
    INSERT INTO request_buckets AS bucket (account_id, used, at)
         VALUES ($1,
                 $4::double precision
                 + least($2::integer, greatest(0, floor($3::integer - $4::double precision))),
                 now())
    ON CONFLICT (account_id) DO UPDATE
            SET used = requests_used(bucket.used, bucket.at, $3, now()) + $4
                     + least($2, greatest(0, floor(
                           $3 - $4 - requests_used(bucket.used, bucket.at, $3, now())))),
                at = CASE WHEN bucket.at > now() + interval '5 s' THEN now()
                          ELSE greatest(bucket.at, now()) END
      RETURNING new.used,
                round(new.used - $4
                      - coalesce(requests_used(old.used, old.at, $3, now()), 0))::integer AS granted
"""

_PING: Final = "SELECT count(*) FROM (SELECT FROM request_buckets LIMIT 1) AS one"


class RequestLedger:
    """The one account of what was used, shared by every process."""

    def __init__(self, statements: ShortStatements, clock: Callable[[], float]) -> None:
        self._statements = statements
        self._clock = clock

    async def take(
        self, account_id: AccountId, limit: int, asked: int, owed: float = 0.0
    ) -> tuple[int, Bucket]:
        """Charge all of `owed`, which this process granted by itself, then up to `asked` requests.

        Returns how many of `asked` were granted, and the bucket after. Its time is this process's
        clock, so that it can be compared here.

        Raises:
            DatabaseError: PostgreSQL failed; it is unknown whether anything was charged.
        """
        row = await self._statements.fetch_row(_TAKE, account_id, asked, limit, owed)
        return row["granted"], Bucket(limit, row["used"], self._clock())

    async def ping(self) -> None:
        """Return if a charge would have a chance.

        Raises:
            DatabaseError: it would not.
        """
        await self._statements.fetch_row(_PING)
