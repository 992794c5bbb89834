"""From a service's description to what a server routes calls to."""

import pytest

from authz.rpc.admin.accounts import AccountServicer
from authz.rpc.admin.audit import AuditServicer
from authz.rpc.admin.decisions import DecisionServicer
from authz.rpc.admin.handlers import make_handlers
from authz.rpc.admin.invoices import InvoiceServicer
from authz.rpc.admin.keys import KeyServicer
from authz.rpc.admin.peppers import PepperServicer
from authz.rpc.admin.prices import PriceServicer
from authz.rpc.admin.processes import ProcessServicer
from authz.rpc.admin.tiers import TierServicer
from authz.rpc.admin.usage import UsageServicer
from tests.authz.admin_rpc.client import SERVICES

_SERVICERS = (
    AccountServicer,
    KeyServicer,
    TierServicer,
    AuditServicer,
    DecisionServicer,
    PepperServicer,
    ProcessServicer,
    PriceServicer,
    InvoiceServicer,
    UsageServicer,
)


def test_every_method_of_every_service_is_served() -> None:
    """A method that is added to a source is missed here before any caller misses it."""
    for service in SERVICES:
        [servicer] = [
            one
            for one in _SERVICERS
            if one.__name__ == f"{service.name.removesuffix('Service')}Servicer"
        ]
        make_handlers(service, object.__new__(servicer))


def test_a_method_that_is_missing_is_found_at_the_start() -> None:
    """And not by the first who calls it."""
    with pytest.raises(AttributeError, match="create_account"):
        make_handlers(SERVICES[0], object())
