"""Being unable to decide: never the caller's fault, so never a 401, 403 or 429."""


class UndecidedError(Exception):
    """Something that a verdict needs is missing."""


class DirectoryStaleError(UndecidedError):
    """Nothing was heard about keys for longer than a revocation may take."""


class QuotaUnavailableError(UndecidedError):
    """PostgreSQL has been away for longer than the local share of a limit may stand in."""


class TokenisersBusyError(UndecidedError):
    """More large bodies wait to be counted than can be in time."""


class DatabaseError(Exception):
    """PostgreSQL did not answer, or not in time, or refused."""
