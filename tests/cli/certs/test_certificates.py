"""What `tessera certs` writes, and how it says so."""

import json
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from authz.domain.administration.actor import Role as ServerRole
from cli.certs.authority import issue_client, make_authority
from cli.certs.describe import describe
from cli.certs.role import Role
from tests.cli.certs.conftest import Certs

_NOW = datetime(2026, 5, 4, tzinfo=UTC)


def _read(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def _days(certificate: x509.Certificate) -> int:
    lifetime = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    return lifetime // timedelta(days=1)


def test_keys_are_private_and_certificates_are_not(folder: Path) -> None:
    """Modes, and nothing besides in the folder."""
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert modes == {
        "ca.pem": 0o644,
        "ca-key.pem": 0o600,
        "server.pem": 0o644,
        "server-key.pem": 0o600,
        "owner-alice.pem": 0o644,
        "owner-alice-key.pem": 0o600,
    }


def test_lifetimes_are_sensible(folder: Path) -> None:
    """Five years for a CA, one for a server, 90 days for a client."""
    days = [_days(_read(folder / f"{name}.pem")) for name in ("ca", "server", "owner-alice")]
    assert days == [1825, 365, 90]


def test_keys_are_on_p_256(folder: Path) -> None:
    """Each its own."""
    keys = [
        load_pem_private_key(path.read_bytes(), None) for path in sorted(folder.glob("*-key.pem"))
    ]
    assert all(
        isinstance(key.curve, ec.SECP256R1)
        for key in keys
        if isinstance(key, ec.EllipticCurvePrivateKey)
    )
    assert (
        len(
            {
                key.private_numbers().private_value
                for key in keys
                if isinstance(key, ec.EllipticCurvePrivateKey)
            }
        )
        == 3
    )


def test_a_ca_signs_no_ca_and_no_foreign_identity(folder: Path) -> None:
    """What it can do is in the certificate, where every verifier reads it."""
    extensions = _read(folder / "ca.pem").extensions
    basic = extensions.get_extension_for_class(x509.BasicConstraints)
    names = extensions.get_extension_for_class(x509.NameConstraints)
    assert (basic.critical, basic.value.ca, basic.value.path_length) == (True, True, 0)
    assert names.critical
    assert names.value.permitted_subtrees == [x509.UniformResourceIdentifier("tessera")]


def test_nothing_is_valid_longer_than_its_ca() -> None:
    """A shorter lifetime is told by the certificate."""
    authority = make_authority("ca", timedelta(days=10), _NOW)
    issued = issue_client(authority, "a", "spiffe://tessera/admin/owner/a", timedelta(90), _NOW)
    assert issued.certificate.not_valid_after_utc == _NOW + timedelta(days=10)


def test_an_expired_certificate_is_said_to_be(folder: Path) -> None:
    """By the clock of whoever looks."""
    certificate = _read(folder / "owner-alice.pem")
    assert describe(certificate, datetime.now(UTC))["status"] == "valid"
    assert describe(certificate, datetime.now(UTC) + timedelta(days=91))["status"] == "expired"
    assert describe(certificate, _NOW.replace(year=2000))["status"] == "not yet valid"


@pytest.mark.parametrize("name", ["ca", "server", "owner-alice"])
def test_nothing_is_replaced_unasked(folder: Path, certs: Certs, name: str) -> None:
    """A CA that is replaced makes all that it signed worthless."""
    words = {
        "ca": ("init",),
        "server": ("issue-server", "--host", "a.example"),
        "owner-alice": ("issue", "--role", "owner", "--name", "alice"),
    }[name]
    before = {path: path.read_bytes() for path in folder.iterdir()}
    refused = certs(*words, "--out", folder)
    assert refused.exit_code == 1
    assert "replace it with --force" in refused.stderr
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
    assert certs(*words, "--out", folder, "--force").exit_code == 0
    changed = {path.stem for path in folder.iterdir() if path.read_bytes() != before[path]}
    assert changed == {name, f"{name}-key"}


def test_what_was_made_is_told(folder: Path, certs: Certs) -> None:
    """To people and to programs; a private key to neither."""
    shown = certs("show", folder / "owner-alice.pem")
    assert "spiffe://tessera/admin/owner/alice" in shown.stdout
    document = json.loads(certs("show", folder / "server.pem", "--output", "json").stdout)
    assert document["certificate"]["use"] == "server"
    assert document["certificate"]["hosts"] == ["admin.tessera.example", "127.0.0.1"]
    made = certs("issue", "--role", "leaks", "--name", "r", "--out", folder, "--output", "json")
    files = json.loads(made.stdout)["files"]
    assert files == {
        "certificate": str(folder / "leaks-r.pem"),
        "key": str(folder / "leaks-r-key.pem"),
    }
    assert "PRIVATE" not in made.output


def test_a_private_key_is_no_certificate(folder: Path, certs: Certs) -> None:
    """It is named as such, and not shown."""
    result = certs("show", folder / "ca-key.pem")
    assert result.exit_code == 1
    assert "holds a private key; name a certificate" in result.stderr


def test_without_a_ca_nothing_is_issued(tmp_path: Path, certs: Certs) -> None:
    """What to do is said, and nothing is left behind."""
    result = certs("issue", "--role", "owner", "--name", "a", "--out", tmp_path)
    assert result.exit_code == 1
    assert f"tessera certs init --out {tmp_path}" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_key_of_another_ca_signs_nothing(folder: Path, certs: Certs, tmp_path: Path) -> None:
    """Nobody could verify it."""
    certs("init", "--out", tmp_path / "other")
    (tmp_path / "other" / "ca-key.pem").rename(folder / "ca-key.pem")
    result = certs("issue", "--role", "owner", "--name", "b", "--out", folder)
    assert result.exit_code == 1
    assert "is not the private key of" in result.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("issue", "--role", "owner", "--name", "../alice"),
        ("issue", "--role", "owner", "--name", ""),
        ("issue", "--role", "owner", "--name", "n" * 65),
        ("issue", "--role", "owner", "--name", "local"),
        ("issue", "--role", "owner", "--name", "alice-key", "--force"),
        ("issue", "--role", "root", "--name", "alice"),
        ("issue-server", "--host", "not a host"),
        ("issue-server",),
    ],
)
def test_what_no_certificate_can_hold_is_wrong_usage(
    folder: Path, certs: Certs, words: tuple[str, ...]
) -> None:
    """Nothing is written."""
    before = set(folder.iterdir())
    assert certs(*words, "--out", folder).exit_code == 2
    assert set(folder.iterdir()) == before


def test_roles_are_the_servers() -> None:
    """None is missing here, and none is made up."""
    assert set(map(str, Role)) == set(map(str, ServerRole))
