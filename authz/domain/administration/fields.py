"""Reads the fields of a request that changes something, and collects what is wrong with them."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from ipaddress import ip_interface, ip_network
from typing import Final
from uuid import UUID

from authz.domain.administration.canary import CANARY_ACCOUNT
from authz.domain.administration.canonical import holds_key, mask_keys
from authz.domain.administration.mail_address import BadMailAddressError, parse_mail_address
from authz.domain.administration.refusals import FieldViolation, InvalidFieldsError
from authz.domain.directory import Endpoint, Network

NAME_MAX: Final = 200
ENVIRONMENT_MAX: Final = 64
NOTE_MAX: Final = 2000
NETWORKS_MAX: Final = 1000
GRACE_MAX: Final = timedelta(days=3660)
LIFETIME_MAX: Final = timedelta(days=36_525)
_VIOLATIONS_MAX: Final = 100


class Fields:
    """What one request says. Each method takes a field's path in the request and its value.

    A method returns something of the right type whatever it was given: call `check` before any of
    it is used.
    """

    def __init__(self) -> None:
        self._violations: list[FieldViolation] = []

    def refuse(self, path: str, description: str) -> None:
        """Say that a field cannot be used; of very many, not each is told."""
        if len(self._violations) < _VIOLATIONS_MAX:
            self._violations.append(FieldViolation(path, description))

    def check(self) -> None:
        """Return if nothing is wrong. Raises `InvalidFieldsError`."""
        if self._violations:
            raise InvalidFieldsError(*self._violations)

    def text(self, path: str, value: str, length_max: int, length_min: int = 0) -> str:
        """Read a text of one line."""
        if not length_min <= len(value) <= length_max:
            self.refuse(path, f"must have {length_min} to {length_max} characters")
        elif not value.isprintable() or value != value.strip():
            self.refuse(path, "must be printable, without spaces around it")
        elif holds_key(value):
            self.refuse(path, "holds what looks like a key; keys belong nowhere but to their users")
        return value

    def note(self, path: str, value: str, length_max: int = NOTE_MAX) -> str:
        """Read what is only for people; what looks like a key in it is masked."""
        if len(value) > length_max:
            self.refuse(path, f"must have at most {length_max} characters")
        return mask_keys(" ".join(value.split()))

    def name(self, path: str, value: str) -> str:
        """Read a name."""
        return self.text(path, value, NAME_MAX, 1)

    def account_name(self, path: str, value: str) -> str:
        """Read an account's name, which is never mistaken for an id or for our own account."""
        if value == CANARY_ACCOUNT or parse_uuid(value) is not None:
            self.refuse(path, "is reserved, as every UUID is; choose another")
        return self.name(path, value)

    def environment(self, path: str, value: str) -> str:
        """Read a key's environment."""
        return self.text(path, value, ENVIRONMENT_MAX, 1)

    def email(self, path: str, value: str) -> str | None:
        """Read an address, or none where it is empty."""
        if not value:
            return None
        try:
            return parse_mail_address(value)
        except BadMailAddressError as error:
            self.refuse(path, str(error))
            return None

    def id(self, path: str, value: str) -> UUID:
        """Read an id."""
        parsed = parse_uuid(value)
        if parsed is None:
            self.refuse(path, "is not a UUID")
        return parsed or UUID(int=0)

    def endpoints(self, path: str, values: Iterable[str]) -> frozenset[Endpoint]:
        """Read names of endpoints."""
        known = frozenset(Endpoint)
        for number, value in enumerate(values):
            if value not in known:
                self.refuse(f"{path}[{number}]", f"must be one of: {', '.join(sorted(known))}")
        return frozenset(endpoint for endpoint in known if endpoint in values)

    def own_limit(self, path: str, value: int, maximum: int) -> int | None:
        """Read a key's limit of its own; 0 is none."""
        if not 0 <= value <= maximum:
            self.refuse(path, f"must be 1 to {maximum}, or 0 for no limit of its own")
        return value or None

    def networks(self, path: str, values: tuple[str, ...]) -> tuple[Network, ...]:
        """Read networks; the same one twice is one."""
        if len(values) > NETWORKS_MAX:
            self.refuse(path, f"must be at most {NETWORKS_MAX}")
            return ()
        read = [self._network(f"{path}[{number}]", value) for number, value in enumerate(values)]
        return tuple(dict.fromkeys(network for network in read if network is not None))

    def _network(self, path: str, value: str) -> Network | None:
        if "%" in value:
            self.refuse(path, "has a zone, which means something else on each machine")
            return None
        try:
            return ip_network(value)
        except ValueError:
            pass
        try:
            meant = ip_interface(value).network
        except ValueError:
            self.refuse(path, "is not a network such as 203.0.113.0/24 or 2001:db8::/32")
        else:
            self.refuse(path, f"has bits set after its mask; the network is {meant}")
        return None

    def expiry(self, path: str, value: datetime | None, now: datetime) -> datetime | None:
        """Read when a key expires."""
        if value is None:
            return None
        if value <= now:
            self.refuse(path, "is in the past")
        elif value - now > LIFETIME_MAX:
            self.refuse(path, "is more than 100 years away; without it a key does not expire")
        return value

    def grace(self, path: str, value: timedelta) -> timedelta:
        """Read how long a replaced key lives on."""
        if not timedelta() <= value <= GRACE_MAX:
            self.refuse(path, f"must be between 0 and {GRACE_MAX.days} days")
            return timedelta()
        return value


def parse_uuid(value: str) -> UUID | None:
    """Return the UUID that a text is, in whatever way it is written."""
    try:
        return UUID(value)
    except ValueError:
        return None
