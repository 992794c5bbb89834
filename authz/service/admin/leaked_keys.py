"""Keys whose text was found where it should not be."""

from collections.abc import Callable, Iterable
from datetime import datetime

from authz.domain.administration.actor import ChangeRequest
from authz.domain.administration.audit import AuditEntry, Made, SubjectKind
from authz.domain.administration.canonical import describe_key
from authz.domain.administration.fields import NAME_MAX, Fields
from authz.domain.administration.mail import LeakMail
from authz.domain.administration.records import KeyListStatus, KeyRecord, PepperStatus
from authz.domain.administration.refusals import PreconditionError
from authz.domain.directory import KeyId, PepperId
from authz.domain.pepper import KeyDigests, Peppers
from authz.service.admin.find import find_key
from authz.service.admin.ports import Database
from authz.service.admin.tables import Tables
from contract.keys import is_well_formed


class LeakedKeys:
    """Ends them, and sees to it that their owners are warned."""

    def __init__(self, database: Database, peppers: Callable[[], Peppers]) -> None:
        self._database = database
        self._peppers = peppers

    async def revoke(
        self, change: ChangeRequest, text: str, found_at: str, reporter: str
    ) -> KeyRecord | None:
        """Revoke the key that a text is, and leave its owner a mail: once.

        A text that is no key of ours changes nothing and leaves no trace: anybody can send them in
        any number.
        """
        fields = Fields()
        place = fields.note("found_at", found_at)
        finder = fields.note("reporter", reporter, NAME_MAX)
        fields.check()
        key_id = await self._find(text)
        if key_id is None:
            return None

        async def work(tables: Tables, at: datetime) -> Made[KeyRecord]:
            before = await find_key(tables, str(key_id))
            if before.status is not KeyListStatus.REVOKED:
                await tables.keys.revoke(before.id, at)
                await _leave_mail(tables, before, at, place, finder)
            after = await find_key(tables, str(key_id))
            facts = describe_key(after) | {"found_at": place, "reporter": finder}
            return Made(SubjectKind.KEY, str(key_id), describe_key(before), facts, after)

        return await self._database.change(change, work, _replay)

    async def _find(self, text: str) -> KeyId | None:
        """Return which key a text is.

        Chains and digests are read at one moment: between two, a rotation of peppers could move
        the key from a chain that was not yet looked at to one that was not yet there.
        """
        if not is_well_formed(text):
            return None
        peppers = self._peppers()
        digests = KeyDigests(text, peppers)
        async with self._database.snapshot() as tables:
            chains = await tables.keys.chains()
            known = [chain for chain in chains if all(pepper in peppers for pepper in chain)]
            found = await tables.keys.find_by_digests([digests.under(chain) for chain in known])
            if found is None:
                await _check_all_known(tables, peppers, chains)
            return found


async def _check_all_known(
    tables: Tables, peppers: Peppers, chains: Iterable[tuple[PepperId, ...]]
) -> None:
    """Return if only keys that were revoked can be under peppers that are not known here.

    Raises:
        PreconditionError: a key that works could not be told from a text that is no key of ours.
    """
    records = await tables.peppers.list()
    retired = {record.id for record in records if record.status is PepperStatus.RETIRED}
    for chain in chains:
        missing = [pepper for pepper in chain if pepper not in peppers]
        if missing and retired.isdisjoint(chain):
            raise PreconditionError(
                "pepper",
                missing[0],
                f"Some keys need pepper {missing[0]}, which is missing in this service's pepper"
                " file, and the key that was sent may be one of them.",
            )


async def _leave_mail(
    tables: Tables, key: KeyRecord, at: datetime, found_at: str, reporter: str
) -> None:
    account = await tables.accounts.find(key.account_id)
    if account is None or account.email is None:
        return
    await tables.notices.insert(
        LeakMail(
            recipient=account.email,
            account_name=account.name,
            key_name=key.name,
            environment=key.environment,
            shown=f"{key.prefix}…{key.last_four}",
            found_at=found_at,
            reporter=reporter,
            at=at,
        )
    )


async def _replay(tables: Tables, entry: AuditEntry) -> KeyRecord:
    return await find_key(tables, entry.subject)
