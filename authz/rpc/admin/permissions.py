"""Which role may call what: the one table of it."""

from collections.abc import Mapping, Set
from typing import Final

from authz.domain.administration.actor import Actor, Role

_OWNER: Final = frozenset({Role.OWNER})
_READERS: Final = frozenset({Role.OWNER, Role.SUPPORT, Role.READ_ONLY})
_SUPPORT: Final = frozenset({Role.OWNER, Role.SUPPORT})

MAY_CALL: Final[Mapping[str, Set[Role]]] = {
    "CreateAccount": _SUPPORT,
    "GetAccount": _READERS | {Role.PORTAL},
    "ListAccounts": _READERS,
    "UpdateAccount": _SUPPORT,
    "SuspendAccount": _SUPPORT,
    "ResumeAccount": _SUPPORT,
    "IssueKey": _SUPPORT | {Role.PORTAL},
    "GetKey": _READERS | {Role.PORTAL},
    "ListKeys": _READERS | {Role.PORTAL},
    "UpdateKey": _SUPPORT | {Role.PORTAL},
    "RotateKey": _SUPPORT | {Role.PORTAL},
    "RevokeKey": _SUPPORT | {Role.PORTAL},
    "RevokeLeakedKey": _SUPPORT | {Role.LEAKS},
    "ListTiers": _READERS | {Role.PORTAL},
    "GetTier": _READERS | {Role.PORTAL},
    "UpsertTier": _OWNER,
    "ListAuditEntries": _READERS,
    "VerifyAudit": _READERS,
    "GetPepperStatus": _READERS,
    "RotatePepper": _OWNER,
    "RetirePepper": _OWNER,
    "ListProcesses": _READERS,
    "ExplainDecision": _READERS,
    "ListDecisions": _READERS,
    "GetUsage": _READERS | {Role.PORTAL},
    "ListPrices": _READERS | {Role.PORTAL},
    "SetPrice": _OWNER,
    "ListInvoices": _READERS | {Role.PORTAL},
    "GetInvoice": _READERS | {Role.PORTAL},
    "ListDrafts": _READERS,
    "PreviewInvoice": _READERS | {Role.PORTAL},
    "FinalizeInvoice": _OWNER,
    "FinalizeMonth": _OWNER,
    "CorrectInvoice": _OWNER,
}
"""Methods' names are unique over all services. A method that is not here is nobody's to call."""

OPEN_SERVICES: Final = frozenset(
    {"grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"}
)
"""Anyone who is known may call these."""


class NotAllowedError(Exception):
    """The caller's role may not call this."""

    def __init__(self, actor: Actor, method: str) -> None:
        super().__init__(f"Role {actor.role} may not call {method}.")


def check_allowed(actor: Actor, service: str, method: str) -> None:
    """Return if `actor` may call. Raises `NotAllowedError`."""
    if service not in OPEN_SERVICES and actor.role not in MAY_CALL.get(method, ()):
        raise NotAllowedError(actor, method)
