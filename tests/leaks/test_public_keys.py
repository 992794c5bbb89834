"""Public keys as they are published, and what they vouch for."""

import json
from base64 import b64decode
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from leaks.key_fetcher import KeyFetcher
from leaks.key_file import KeyFile
from leaks.metrics import Metrics
from leaks.public_keys import BadPublicKeysError, KeysUnavailableError, PublicKey, PublicKeys
from tests.leaks.signing import Signer, publish

_GITHUB_KEY = """\
-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE9MJJHnMfn2+H4xL4YaPDA4RpJqUq
kCmRCBnYERxZanmcpzQSXs1X/AljlKkbJ8qpVIW4clayyef9gWhFbNHWAA==
-----END PUBLIC KEY-----"""
_GITHUB_BODY = b'[{"token":"some_token","type":"some_type","url":"some_url"}]'
_GITHUB_SIGNATURE = b64decode(
    "MEUCIQDKZokqnCjrRtw0tni+2Ltvl/uiMJ1EGumEsp1BsNr32AIgQY1YXD2nlj+XNfGK4rBfkMJ1JDOQcYXxa2sY8FNkrKc="
)


def test_github_s_own_signature_is_right() -> None:
    """The example of its documentation, made with its real key."""
    key = PublicKey.parse(_GITHUB_KEY)
    assert key is not None
    assert key.has_signed(_GITHUB_BODY, _GITHUB_SIGNATURE)
    assert not key.has_signed(_GITHUB_BODY + b"\n", _GITHUB_SIGNATURE)


@pytest.mark.parametrize("curve", [ec.SECP384R1(), ec.SECP521R1(), ec.SECP256K1()])
def test_another_curve_is_not_taken(curve: ec.EllipticCurve) -> None:
    """Only the one that is agreed on."""
    assert PublicKey.parse(Signer("other", curve).pem()) is None


def test_another_kind_of_key_is_not_taken() -> None:
    """Nor what is no key at all."""
    public = rsa.generate_private_key(65537, 2048).public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    assert [PublicKey.parse(text) for text in (pem, "", "nonsense", "\x00")] == [None] * 4


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        b'{"public_keys": []}',
        b'{"public_keys": [1]}',
        b'{"public_keys": [{"key_identifier": "a"}]}',
        b'{"public_keys": [{"key_identifier": "a", "key": "none"}]}',
        publish([Signer("other", ec.SECP384R1())]),
    ],
    ids=lambda content: content[:50].decode(),
)
def test_a_list_without_a_usable_key_is_refused(content: bytes) -> None:
    """Whoever keeps the last good list keeps it."""
    with pytest.raises(BadPublicKeysError):
        PublicKeys.parse(content)


def test_keys_that_are_no_longer_current_are_taken() -> None:
    """For what was signed just before they were replaced."""
    signer = Signer()
    published = json.loads(publish([signer]))
    published["public_keys"][0]["is_current"] = False
    assert PublicKeys.parse(json.dumps(published).encode()).find(signer.identifier) is not None


async def test_a_file_that_goes_bad_changes_nothing(tmp_path: Path) -> None:
    """Nor one that goes away; when it is good again, it is used."""
    file = tmp_path / "keys.json"
    first, second = Signer("first"), Signer("second")
    file.write_bytes(publish([first]))
    keys = KeyFile(file)
    for spoil in (lambda: file.write_bytes(b"{"), file.unlink):
        spoil()
        assert await keys.find("first") is not None
    file.write_bytes(publish([second]))
    assert await keys.find("second") is not None
    assert await keys.find("first") is None


class Published:
    """What is at the URL, and how often it was asked for."""

    def __init__(self) -> None:
        self.content: bytes | None = None
        self.fetches = 0
        self.now = 1000.0

    def answer(self, _: httpx.Request) -> httpx.Response:
        """Answer one request."""
        self.fetches += 1
        if self.content is None:
            raise httpx.ConnectError("away")
        return httpx.Response(200, content=self.content)

    def fetcher(self) -> KeyFetcher:
        """Fetch from here."""
        client = httpx.AsyncClient(transport=httpx.MockTransport(self.answer))
        return KeyFetcher("https://keys.example", client, lambda: self.now, Metrics())


async def test_an_unknown_name_has_the_list_fetched_once_a_minute() -> None:
    """However many reports name it: nobody can make us a burden to GitHub."""
    published = Published()
    published.content = publish([Signer("first")])
    fetcher = published.fetcher()
    for _ in range(5):
        assert await fetcher.find("second") is None
    assert published.fetches == 1
    published.content = publish([Signer("first"), Signer("second")])
    published.now += 60
    assert await fetcher.find("second") is not None
    assert published.fetches == 2


async def test_the_last_good_list_is_kept() -> None:
    """When it is old and cannot be fetched, too; then an unknown name is no verdict."""
    published = Published()
    published.content = publish([Signer("first")])
    fetcher = published.fetcher()
    assert await fetcher.find("first") is not None
    published.now += 3601
    for content in (None, b"{}", b"x" * 2**21):
        published.content = content
        published.now += 60
        assert await fetcher.find("first") is not None
        with pytest.raises(KeysUnavailableError):
            await fetcher.find("second")
    assert published.fetches == 4


async def test_a_withdrawn_key_is_forgotten_within_the_hour() -> None:
    """The list is fetched anew when it is old, though the name is in it."""
    published = Published()
    published.content = publish([Signer("first")])
    fetcher = published.fetcher()
    assert await fetcher.find("first") is not None
    published.content = publish([Signer("second")])
    published.now += 3601
    assert await fetcher.find("first") is None
