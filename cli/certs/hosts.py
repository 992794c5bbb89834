"""Where a server answers, as it is typed."""

import re
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Final

import typer
from cryptography import x509

_LABEL: Final = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_DNS_NAME: Final = re.compile(rf"(\*\.)?{_LABEL}(\.{_LABEL})*", re.ASCII)


def parse_hosts(texts: Sequence[str]) -> list[x509.GeneralName]:
    """Read DNS names and IP addresses. Raises `typer.BadParameter`."""
    return [_parse_host(text) for text in texts]


def _parse_host(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(text))
    except ValueError:
        name = text.lower()
    if len(name) > 253 or not _DNS_NAME.fullmatch(name):
        raise typer.BadParameter(f"{text} is neither a DNS name nor an IP address.")
    return x509.DNSName(name)
