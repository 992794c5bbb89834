"""What must be true of every account."""

from authz.domain.administration.fields import Fields
from authz.domain.administration.records import AccountRecord
from authz.domain.administration.refusals import AlreadyExistsError, PreconditionError
from authz.domain.directory import AccountStatus
from authz.service.admin.tables import Tables


async def check_tier(tables: Tables, fields: Fields, path: str, name: str) -> None:
    """Refuse a field that does not name a tier."""
    if await tables.tiers.find(name) is None:
        fields.refuse(path, "is not the name of a tier")


async def check_name_is_free(tables: Tables, name: str) -> None:
    """Return if no account has this name. Raises `AlreadyExistsError`."""
    if await tables.accounts.find_by_name(name) is not None:
        raise AlreadyExistsError("account", name, "There is an account of this name already.")


def check_open(account: AccountRecord) -> None:
    """Return if an account can be suspended and resumed. Raises `PreconditionError`."""
    if account.status is AccountStatus.CLOSED:
        raise PreconditionError("account", str(account.id), "The account is closed, for ever.")
