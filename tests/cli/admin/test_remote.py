"""A server that is reached over mutual TLS."""

from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest
from typer.testing import CliRunner, Result

from cli.main import app
from proto.tessera.admin.v1.tiers_pb2 import ListTiersResponse
from tests.cli.admin.canned import CannedServer, serving
from tests.cli.admin.records import TIER

Listing = Callable[..., Result]


@pytest.fixture(scope="module")
def certs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a CA, a server's certificate for 127.0.0.1 and an owner's, alice's."""
    out = tmp_path_factory.mktemp("certs")
    for words in (
        ("init",),
        ("issue-server", "--host", "127.0.0.1"),
        ("issue", "--role", "owner", "--name", "alice"),
    ):
        assert CliRunner().invoke(app, ["certs", *words, "--out", str(out)]).exit_code == 0
    return out


@pytest.fixture
def address(certs: Path) -> Iterator[str]:
    """A server that takes clients of that CA alone."""
    canned = CannedServer()
    canned.answer("ListTiers", ListTiersResponse(tiers=[TIER]))
    pair = ((certs / "server-key.pem").read_bytes(), (certs / "server.pem").read_bytes())
    credentials = grpc.ssl_server_credentials(
        [pair], (certs / "ca.pem").read_bytes(), require_client_auth=True
    )
    with serving(canned, "127.0.0.1:0", credentials) as port:
        yield f"127.0.0.1:{port}"


@pytest.fixture
def listing(monkeypatch: pytest.MonkeyPatch) -> Listing:
    """Run `tessera tiers list` with options and environment."""

    def run(*words: str, **environment: str) -> Result:
        for name in ("ADDRESS", "CA", "CERT", "KEY"):
            monkeypatch.delenv(f"TESSERA_ADMIN_{name}", raising=False)
        for name, value in environment.items():
            monkeypatch.setenv(f"TESSERA_ADMIN_{name}", value)
        return CliRunner().invoke(app, ["tiers", "list", *words])

    return run


def _files(certs: Path, name: str = "owner-alice") -> dict[str, str]:
    return {
        "ca": str(certs / "ca.pem"),
        "cert": str(certs / f"{name}.pem"),
        "key": str(certs / f"{name}-key.pem"),
    }


def _options(**values: str) -> list[str]:
    return [word for name, value in values.items() for word in (f"--{name}", value)]


def test_a_server_is_named_by_options(listing: Listing, certs: Path, address: str) -> None:
    """Address, CA, certificate and key."""
    result = listing(*_options(address=address, **_files(certs)))
    assert (result.exit_code, result.stderr) == (0, "")
    assert "standard" in result.stdout


def test_a_server_is_named_by_the_environment(listing: Listing, certs: Path, address: str) -> None:
    """Each for itself, so that some can be typed."""
    files = _files(certs)
    result = listing("--ca", files.pop("ca"), ADDRESS=address, CERT=files["cert"], KEY=files["key"])
    assert result.exit_code == 0


def test_a_server_of_another_ca_is_not_believed(
    listing: Listing, certs: Path, address: str, tmp_path: Path
) -> None:
    """No second try: it may be another server."""
    CliRunner().invoke(app, ["certs", "init", "--out", str(tmp_path)])
    files = _files(certs) | {"ca": str(tmp_path / "ca.pem")}
    result = listing(*_options(address=address, **files))
    assert result.exit_code == 3
    assert f"{address} shows no certificate for this address" in result.stderr


def test_a_client_of_another_ca_is_not_let_in(
    listing: Listing, certs: Path, address: str, tmp_path: Path
) -> None:
    """Nor is its certificate of any use because of the name in it."""
    for words in (("init",), ("issue", "--role", "owner", "--name", "alice")):
        CliRunner().invoke(app, ["certs", *words, "--out", str(tmp_path)])
    files = _files(tmp_path) | {"ca": str(certs / "ca.pem")}
    assert listing(*_options(address=address, **files)).exit_code == 3


@pytest.mark.parametrize("wrong", ["ca", "cert", "key"])
def test_files_that_do_not_fit_are_wrong_usage(listing: Listing, certs: Path, wrong: str) -> None:
    """A key in the place of a CA, or another's key: told before anybody is called."""
    files = _files(certs) | {wrong: str(certs / "server-key.pem")}
    result = listing(*_options(address="127.0.0.1:1", **files))
    assert result.exit_code == 2
    assert "in PEM" in result.stderr


@pytest.mark.parametrize("missing", ["address", "ca", "cert", "key"])
def test_half_a_server_is_wrong_usage(listing: Listing, certs: Path, missing: str) -> None:
    """Above all it is not a reason to talk to the stack of this machine instead."""
    options = {"address": "127.0.0.1:1", **_files(certs)}
    del options[missing]
    result = listing(*_options(**options))
    assert result.exit_code == 2
    assert "--address" in result.stderr


def test_two_servers_are_wrong_usage(listing: Listing, certs: Path, tmp_path: Path) -> None:
    """A key must not be revoked on the wrong one."""
    options = _options(address="127.0.0.1:1", **_files(certs))
    assert listing(*options, "--state", str(tmp_path)).exit_code == 2


def test_a_folder_that_is_typed_beats_the_environment(listing: Listing, tmp_path: Path) -> None:
    """Who exports a server can still look at a stack."""
    result = listing("--state", str(tmp_path), ADDRESS="127.0.0.1:1")
    assert result.exit_code == 3
    assert f"No stack runs on {tmp_path}" in result.stderr


def test_a_file_that_is_not_there_is_named(listing: Listing, certs: Path) -> None:
    """Before anybody is called."""
    files = _files(certs) | {"key": "nowhere.pem"}
    result = listing(*_options(address="127.0.0.1:1", **files))
    assert result.exit_code == 2
    assert "nowhere.pem" in result.stderr
