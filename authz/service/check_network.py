"""Whether a call comes from where its key may be used."""

from typing import Final

from authz.domain.directory import Key, KeyId, Network
from authz.domain.networks import NetworkSet, parse_address
from authz.domain.verdict import Denied, Reason
from contract import errors

_PREPARED_MAX: Final = 10_000


class NetworkCheck:
    """Asks keys' networks, each prepared at its first use and kept for as long as it stays."""

    def __init__(self) -> None:
        self._prepared: dict[KeyId, tuple[tuple[Network, ...], NetworkSet]] = {}

    def check(self, key: Key, client_address: str | None) -> Denied | None:
        """Return why a key may not be used from this address, in text; unknown ones are outside."""
        if not key.networks:
            return None
        address = parse_address(client_address)
        if address is not None and address in self._prepare(key):
            return None
        shown = None if address is None else str(address)
        return Denied(Reason.ADDRESS_NOT_ALLOWED, errors.ip_not_authorized(shown))

    def _prepare(self, key: Key) -> NetworkSet:
        networks, prepared = self._prepared.get(key.id, (None, None))
        if prepared is None or networks is not key.networks:
            if len(self._prepared) >= _PREPARED_MAX:
                self._prepared.clear()
            prepared = NetworkSet.build(key.networks)
            self._prepared[key.id] = key.networks, prepared
        return prepared
