"""Certificates do in a real TLS handshake what they are for, and nothing else."""

import ssl
from pathlib import Path

import pytest

from tests.cli.certs.conftest import Certs


def _context(purpose: ssl.Purpose, folder: Path, name: str, ca: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(purpose, cafile=ca)
    context.load_cert_chain(folder / f"{name}.pem", folder / f"{name}-key.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    return context


def _shake(
    client: tuple[Path, str],
    server: tuple[Path, str],
    *,
    host: str = "127.0.0.1",
    client_trusts: Path | None = None,
) -> ssl.SSLObject:
    """Let a client and a server shake hands in memory; return the server's side."""
    trusted = (client_trusts or client[0]) / "ca.pem"
    ours = _context(ssl.Purpose.SERVER_AUTH, *client, trusted)
    theirs = _context(ssl.Purpose.CLIENT_AUTH, *server, server[0] / "ca.pem")
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    near = ours.wrap_bio(down, up, server_hostname=host)
    far = theirs.wrap_bio(up, down, server_side=True)
    done = False
    for _ in range(10):
        done = all([_step(near), _step(far)])
    assert done
    return far


def _step(side: ssl.SSLObject) -> bool:
    try:
        side.do_handshake()
    except ssl.SSLWantReadError:
        return False
    return True


@pytest.mark.parametrize("role", ["owner", "support", "portal", "read-only", "leaks"])
def test_a_client_is_known_by_its_role_and_name(folder: Path, certs: Certs, role: str) -> None:
    """The server sees exactly one URI."""
    certs("issue", "--role", role, "--name", "bob", "--out", folder)
    seen = _shake((folder, f"{role}-bob"), (folder, "server")).getpeercert()
    assert seen is not None
    assert seen["subjectAltName"] == (("URI", f"spiffe://tessera/admin/{role}/bob"),)


def test_a_client_of_another_ca_is_refused(folder: Path, certs: Certs, tmp_path: Path) -> None:
    """Whatever its certificate says."""
    other = tmp_path / "other"
    certs("init", "--out", other)
    certs("issue", "--role", "owner", "--name", "alice", "--out", other)
    with pytest.raises(ssl.SSLCertVerificationError):
        _shake((other, "owner-alice"), (folder, "server"), client_trusts=folder)


def test_a_server_of_another_ca_is_refused(folder: Path, certs: Certs, tmp_path: Path) -> None:
    """Nobody else can pretend to be the server."""
    other = tmp_path / "other"
    certs("init", "--out", other)
    with pytest.raises(ssl.SSLCertVerificationError):
        _shake((folder, "owner-alice"), (folder, "server"), client_trusts=other)


def test_a_server_is_believed_at_its_hosts_alone(folder: Path) -> None:
    """By address and by name."""
    pair = (folder, "owner-alice"), (folder, "server")
    _shake(*pair, host="admin.tessera.example")
    with pytest.raises(ssl.SSLCertVerificationError, match="mismatch"):
        _shake(*pair, host="127.0.0.2")


def test_a_client_cannot_pretend_to_be_a_server(folder: Path) -> None:
    """Its certificate is for calling alone."""
    with pytest.raises(ssl.SSLCertVerificationError, match="purpose"):
        _shake((folder, "owner-alice"), (folder, "owner-alice"))


def test_a_server_cannot_call(folder: Path) -> None:
    """Its certificate is for answering alone."""
    with pytest.raises(ssl.SSLCertVerificationError, match="purpose"):
        _shake((folder, "server"), (folder, "server"))
