"""All services of the admin API, by their names on the wire."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from authz.rpc.admin.accounts import AccountServicer
from authz.rpc.admin.audit import AuditServicer
from authz.rpc.admin.decisions import DecisionServicer
from authz.rpc.admin.handlers import Handlers, make_handlers
from authz.rpc.admin.invoices import InvoiceServicer
from authz.rpc.admin.keys import KeyServicer
from authz.rpc.admin.peppers import PepperServicer
from authz.rpc.admin.prices import PriceServicer
from authz.rpc.admin.processes import ProcessServicer
from authz.rpc.admin.tiers import TierServicer
from authz.rpc.admin.usage import UsageServicer
from authz.service.admin.accounts import Accounts
from authz.service.admin.acknowledgements import Acknowledgements
from authz.service.admin.audit import Audit
from authz.service.admin.corrections import Corrections
from authz.service.admin.decisions import Decisions
from authz.service.admin.invoices import Invoices
from authz.service.admin.invoicing import Invoicing
from authz.service.admin.keys import Keys
from authz.service.admin.pepper_rotation import PepperRotation
from authz.service.admin.prices import Prices
from authz.service.admin.tiers import Tiers
from authz.service.admin.usage import Usage
from proto.tessera.admin.v1 import (
    accounts_pb2,
    audit_pb2,
    decisions_pb2,
    invoices_pb2,
    keys_pb2,
    peppers_pb2,
    prices_pb2,
    processes_pb2,
    tiers_pb2,
    usage_pb2,
)


@dataclass(frozen=True, slots=True)
class Administration:
    """All that can be asked for."""

    accounts: Accounts
    keys: Keys
    tiers: Tiers
    audit: Audit
    peppers: PepperRotation
    acknowledgements: Acknowledgements
    usage: Usage
    decisions: Decisions
    prices: Prices
    invoices: Invoices
    invoicing: Invoicing
    corrections: Corrections


def make_services(
    administration: Administration, now: Callable[[], datetime]
) -> Mapping[str, Handlers]:
    """Return what a server routes each service's calls to."""
    keys = KeyServicer(administration.keys, administration.acknowledgements, now)
    invoices = InvoiceServicer(
        administration.invoices, administration.invoicing, administration.corrections
    )
    served = (
        (accounts_pb2, AccountServicer(administration.accounts)),
        (keys_pb2, keys),
        (tiers_pb2, TierServicer(administration.tiers)),
        (audit_pb2, AuditServicer(administration.audit)),
        (peppers_pb2, PepperServicer(administration.peppers, now)),
        (processes_pb2, ProcessServicer(administration.acknowledgements, now)),
        (usage_pb2, UsageServicer(administration.usage, now)),
        (decisions_pb2, DecisionServicer(administration.decisions)),
        (prices_pb2, PriceServicer(administration.prices)),
        (invoices_pb2, invoices),
    )
    return {
        service.full_name: make_handlers(service, servicer)
        for file, servicer in served
        for service in file.DESCRIPTOR.services_by_name.values()
    }
