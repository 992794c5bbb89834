"""A receiver, the reporter that it believes, and the admin API that it calls."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.certificates import Authority
from tests.leaks.admin_double import HOST, AdminDouble, over_tls
from tests.leaks.process import Receiver, running_receiver
from tests.leaks.signing import Signer, publish

LEAKS_URI = "spiffe://tessera/admin/leaks/receiver"


@dataclass(frozen=True)
class Setup:
    """What a receiver needs, in one folder."""

    folder: Path
    authority: Authority
    admin_port: int
    keys_file: Path

    def settings(self) -> dict[str, str]:
        """The settings, as environment variables."""
        identity = self.authority.issue_for_uri(LEAKS_URI)
        return {
            "LEAKS_GITHUB_KEYS_FILE": str(self.keys_file),
            "LEAKS_ADMIN_ADDRESS": f"{HOST}:{self.admin_port}",
            "LEAKS_ADMIN_CA": str(self.authority.certificate),
            "LEAKS_ADMIN_CERT": str(identity.certificate),
            "LEAKS_ADMIN_KEY": str(identity.key),
        }


@pytest.fixture(scope="module")
def signer() -> Signer:
    """Whom the receiver believes."""
    return Signer()


@pytest.fixture(scope="module")
def shared_admin() -> AdminDouble:
    """The admin API of all tests of a module."""
    return AdminDouble()


@pytest.fixture(scope="module")
def setup(signer: Signer, shared_admin: AdminDouble) -> Iterator[Setup]:
    """An admin API over mTLS, and files that name it."""
    with tempfile.TemporaryDirectory(prefix="leaks-") as name:  # short: a socket goes in it
        folder = Path(name)
        authority = Authority(folder)
        keys_file = folder / "keys.json"
        keys_file.write_bytes(publish([signer]))
        with over_tls(shared_admin, authority) as port:
            yield Setup(folder, authority, port, keys_file)


@pytest.fixture(scope="module")
def receiver(setup: Setup) -> Iterator[Receiver]:
    """A receiver that serves all tests of a module."""
    with running_receiver(setup.folder, setup.settings()) as running:
        yield running


@pytest.fixture
def admin(shared_admin: AdminDouble) -> Iterator[AdminDouble]:
    """The admin API, as new."""
    shared_admin.known.clear()
    shared_admin.requests.clear()
    shared_admin.refusal = None
    yield shared_admin
    shared_admin.proceed.set()
