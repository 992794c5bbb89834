"""Being unable to decide: never the caller's fault, so never a 401, 403 or 429."""

from authz.domain.directory import AccountId, KeyId


class UndecidedError(Exception):
    """Something that a verdict needs is missing; the ids are there where the key was accepted."""

    account_id: AccountId | None = None
    key_id: KeyId | None = None


class DirectoryStaleError(UndecidedError):
    """Nothing was heard about keys for longer than a revocation may take."""


class QuotaUnavailableError(UndecidedError):
    """PostgreSQL has been away for longer than the local share of a limit may stand in."""


class LedgerSlowError(UndecidedError):
    """PostgreSQL is there, and does not say in time whether a limit allows this request."""


class UsageUnavailableError(UndecidedError):
    """What is used cannot be written down now, or nobody waits for the answer any more."""


class ChargesBusyError(UndecidedError):
    """More requests of one account wait for the ledger than can be charged in time."""


class TokenisersBusyError(UndecidedError):
    """More large bodies wait to be counted than can be in time."""


class DatabaseError(Exception):
    """PostgreSQL did not answer, or not in time, or refused."""


class DatabaseSlowError(DatabaseError):
    """PostgreSQL did not answer in time, which says nothing about whether it can."""


class LedgerLearningError(DatabaseError):
    """PostgreSQL may not know its newest grants, and makes none until those are over."""
