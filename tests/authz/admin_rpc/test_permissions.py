"""Who may call what."""

import pytest

from authz.domain.administration.actor import Actor, Role
from authz.rpc.admin.permissions import MAY_CALL, NotAllowedError, check_allowed
from tests.authz.admin_rpc.client import METHODS, SERVICES

_CHANGES = {
    *("CreateAccount", "UpdateAccount", "SuspendAccount", "ResumeAccount"),
    *("IssueKey", "UpdateKey", "RotateKey", "RevokeKey", "RevokeLeakedKey"),
    *("UpsertTier", "RotatePepper", "RetirePepper"),
    *("SetPrice", "FinalizeInvoice", "FinalizeMonth", "CorrectInvoice"),
}
_FOR_CUSTOMERS = {
    *("GetAccount", "ListTiers", "GetTier", "GetUsage"),
    *("GetKey", "ListKeys", "IssueKey", "UpdateKey", "RotateKey", "RevokeKey"),
    *("ListPrices", "ListInvoices", "GetInvoice", "PreviewInvoice"),
}


def _allowed(role: Role) -> set[str]:
    return {method for method, roles in MAY_CALL.items() if role in roles}


def test_the_table_is_total() -> None:
    """Every method of every service has one row, and nothing else has."""
    assert set(MAY_CALL) == set(METHODS)
    assert len(METHODS) == sum(len(service.methods) for service in SERVICES)


def test_each_role_may_call_what_it_is_for() -> None:
    """Said the other way round than in the table, so that a slip in either shows."""
    assert _allowed(Role.OWNER) == set(METHODS)
    assert _allowed(Role.READ_ONLY) == set(METHODS) - _CHANGES
    kept_from_support = {
        *("UpsertTier", "RotatePepper", "RetirePepper"),
        *("SetPrice", "FinalizeInvoice", "FinalizeMonth", "CorrectInvoice"),
    }
    assert _allowed(Role.SUPPORT) == set(METHODS) - kept_from_support
    assert _allowed(Role.PORTAL) == _FOR_CUSTOMERS
    assert _allowed(Role.LEAKS) == {"RevokeLeakedKey"}
    assert {method for method, descriptor in METHODS.items() if _changes(method)} == _CHANGES


def _changes(method: str) -> bool:
    return "request_id" in METHODS[method].input_type.fields_by_name


@pytest.mark.parametrize("role", Role)
def test_a_method_without_a_row_is_nobodys_to_call(role: Role) -> None:
    """Forgetting a row closes a method, and does not open it."""
    actor = Actor("ada", role, "unix")
    with pytest.raises(NotAllowedError, match=rf"^Role {role} may not call ForgottenMethod\.$"):
        check_allowed(actor, "tessera.admin.v1.KeyService", "ForgottenMethod")


@pytest.mark.parametrize("role", Role)
def test_health_and_reflection_are_open_to_whoever_is_known(role: Role) -> None:
    """They tell nothing of any customer."""
    for service in ("grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"):
        check_allowed(Actor("ada", role, "unix"), service, "Any")
