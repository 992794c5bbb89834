"""What `tessera certs` does. Imported when one of its commands runs: cryptography takes a while."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cli.admin.document import Document
from cli.certs.authority import issue_client, issue_server, make_authority
from cli.certs.describe import describe
from cli.certs.files import Pair, authority_pair, make_files, read_authority, read_certificate
from cli.certs.hosts import parse_hosts
from cli.certs.role import Role, identity

_COMMON_NAME_MAX = 64


@dataclass(frozen=True, slots=True)
class Made:
    """A certificate, and where it and its key are."""

    certificate: Document
    files: Pair


@dataclass(frozen=True, slots=True)
class Workshop:
    """Makes certificates at one moment. What it cannot do is a `CommandError`."""

    now: datetime

    def init(self, out: Path, name: str, lifetime: timedelta, *, force: bool) -> Made:
        """Make a CA."""
        pair = authority_pair(out)
        made = make_files(pair, lambda: make_authority(name, lifetime, self.now), force=force)
        return Made(describe(made, self.now), pair)

    def issue(
        self, ca: Path, out: Path, role: Role, name: str, lifetime: timedelta, *, force: bool
    ) -> Made:
        """Make a client certificate."""
        authority = read_authority(ca, self.now)
        pair = Pair.named(out, f"{role}-{name}")
        uri = identity(role, name)
        made = make_files(
            pair, lambda: issue_client(authority, name, uri, lifetime, self.now), force=force
        )
        return Made(describe(made, self.now), pair)

    def issue_server(
        self, ca: Path, out: Path, hosts: Sequence[str], lifetime: timedelta, *, force: bool
    ) -> Made:
        """Make a server certificate for DNS names and IP addresses."""
        names = parse_hosts(hosts)
        authority = read_authority(ca, self.now)
        pair = Pair.named(out, "server")
        common = hosts[0][:_COMMON_NAME_MAX]
        made = make_files(
            pair, lambda: issue_server(authority, common, names, lifetime, self.now), force=force
        )
        return Made(describe(made, self.now), pair)

    def show(self, path: Path) -> Document:
        """Describe a certificate in a file."""
        return describe(read_certificate(path), self.now)
