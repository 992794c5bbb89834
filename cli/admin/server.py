"""Which admin server a command talks to."""

from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import typer

from stack.layout import locate


@dataclass(frozen=True, slots=True)
class LocalServer:
    """That of a stack on this machine."""

    state: Path

    @property
    def socket(self) -> Path:
        """Where it listens."""
        return locate(self.state).socket("admin")


@dataclass(frozen=True, slots=True)
class RemoteServer:
    """One that is reached over mutual TLS; the files are PEM."""

    address: str
    ca: Path
    certificate: Path
    key: Path


Server: TypeAlias = LocalServer | RemoteServer


def choose_server(
    state: Path | None,
    address: str | None,
    files: tuple[Path | None, Path | None, Path | None],
    *,
    address_typed: bool,
) -> Server:
    """Return the server that options and environment name together; `files`: CA, certificate, key.

    Whoever has a server's address in the environment can still name a state folder; all else that
    contradicts itself is refused, for a key must not be revoked on the wrong one.
    """
    if state is not None:
        if address_typed:
            raise typer.BadParameter("--state and --address name two servers; leave one out.")
        return LocalServer(state)
    ca, certificate, key = files
    if address is None:
        if any(files):
            raise typer.BadParameter("--ca, --cert and --key need --address too.")
        return LocalServer(Path(".tessera"))
    if ca is None or certificate is None or key is None:
        raise typer.BadParameter("--address needs --ca, --cert and --key too.")
    return RemoteServer(address, ca, certificate, key)
