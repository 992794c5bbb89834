"""All services of the admin API, by their names on the wire."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from authz.rpc.admin.accounts import AccountServicer
from authz.rpc.admin.audit import AuditServicer
from authz.rpc.admin.handlers import Handlers, make_handlers
from authz.rpc.admin.keys import KeyServicer
from authz.rpc.admin.peppers import PepperServicer
from authz.rpc.admin.processes import ProcessServicer
from authz.rpc.admin.tiers import TierServicer
from authz.service.admin.accounts import Accounts
from authz.service.admin.acknowledgements import Acknowledgements
from authz.service.admin.audit import Audit
from authz.service.admin.keys import Keys
from authz.service.admin.pepper_rotation import PepperRotation
from authz.service.admin.tiers import Tiers
from proto.tessera.admin.v1 import (
    accounts_pb2,
    audit_pb2,
    keys_pb2,
    peppers_pb2,
    processes_pb2,
    tiers_pb2,
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


def make_services(
    administration: Administration, now: Callable[[], datetime]
) -> Mapping[str, Handlers]:
    """Return what a server routes each service's calls to."""
    keys = KeyServicer(administration.keys, administration.acknowledgements, now)
    served = (
        (accounts_pb2, AccountServicer(administration.accounts)),
        (keys_pb2, keys),
        (tiers_pb2, TierServicer(administration.tiers)),
        (audit_pb2, AuditServicer(administration.audit)),
        (peppers_pb2, PepperServicer(administration.peppers, now)),
        (processes_pb2, ProcessServicer(administration.acknowledgements, now)),
    )
    return {
        service.full_name: make_handlers(service, servicer)
        for file, servicer in served
        for service in file.DESCRIPTOR.services_by_name.values()
    }
