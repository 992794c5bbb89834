"""What can be said about accounts and keys."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from uuid import UUID

import pytest

from authz.domain.administration.fields import LIFETIME_MAX, Fields
from authz.domain.administration.refusals import FieldViolation, InvalidFieldsError
from tests.authz.doubles import key_text

_NOW = datetime(2026, 11, 23, tzinfo=UTC)
_ID = UUID("5e0d1a3c-7c39-4a53-9c8a-7b0d6a4c1b2e")


def _violations(read: Callable[[Fields], object]) -> tuple[FieldViolation, ...]:
    fields = Fields()
    read(fields)
    try:
        fields.check()
    except InvalidFieldsError as error:
        return error.violations
    return ()


@pytest.mark.parametrize("name", ["a", "Acme & Söhne", "x" * 200])
def test_a_name_is_one_printable_line(name: str) -> None:
    """Of up to 200 characters."""
    assert _violations(lambda fields: fields.name("name", name)) == ()


@pytest.mark.parametrize(
    "name", ["", " a", "a ", "x" * 201, "a\nb", "a\0b", "a\u202eb", key_text()]
)
def test_no_other_text_is_a_name(name: str) -> None:
    """Least of all a key, which would then stand in every list."""
    assert [each.field for each in _violations(lambda fields: fields.name("name", name))] == [
        "name"
    ]


@pytest.mark.parametrize("name", ["tessera-canary", str(_ID), _ID.hex, f"{{{_ID}}}"])
def test_some_account_names_are_reserved(name: str) -> None:
    """Our own account's, and whatever could be taken for an id."""
    assert _violations(lambda fields: fields.account_name("name", name)) == (
        FieldViolation("name", "is reserved, as every UUID is; choose another"),
    )


@pytest.mark.parametrize("email", ["", "a@b", "first.last+tag@mail.example.com"])
def test_an_email_has_one_plain_shape(email: str) -> None:
    """Or is absent."""
    assert _violations(lambda fields: fields.email("email", email)) == ()


@pytest.mark.parametrize(
    "email",
    [
        "a", "a@", "@b", "a@b@c", "a b@c", "a@b..c", "a@-b", "a@b\n", "a@b\nbcc: c@d",
        "A <a@b>", "a@b,c@d", "ä@b", "a" * 65 + "@b", "a@" + "b." * 126 + "cc",
    ],
)  # fmt: skip
def test_no_other_text_is_an_email(email: str) -> None:
    """It goes into a mail's headers."""
    violations = _violations(lambda fields: fields.email("email", email))
    assert [each.field for each in violations] == ["email"]


def test_networks_are_normalised() -> None:
    """The same network twice is one."""
    fields = Fields()
    read = fields.networks(
        "networks", ("203.0.113.0/24", "2001:DB8::/32", "2001:db8:0::/32", "192.0.2.1")
    )
    fields.check()
    assert read == tuple(map(ip_network, ("203.0.113.0/24", "2001:db8::/32", "192.0.2.1/32")))


def test_host_bits_are_refused_with_the_network_that_was_meant() -> None:
    """Nobody can tell whether the address or the mask is the mistake."""
    assert _violations(
        lambda fields: fields.networks("networks", ("192.0.2.0/24", "192.0.2.77/24"))
    ) == (
        FieldViolation("networks[1]", "has bits set after its mask; the network is 192.0.2.0/24"),
    )


@pytest.mark.parametrize(
    "network", ["", "everywhere", "192.0.2.0/33", "192.0.2.0/255.0.255.0", "::1%eth0/64"]
)
def test_what_is_no_network_is_refused(network: str) -> None:
    """By its place in the list."""
    violations = _violations(lambda fields: fields.networks("networks", (network,)))
    assert [each.field for each in violations] == ["networks[0]"]


def test_too_many_networks_are_refused() -> None:
    """Every check looks at them."""
    networks = tuple(f"10.0.{n // 256}.{n % 256}" for n in range(1001))
    assert len(_violations(lambda fields: fields.networks("networks", networks))) == 1


def test_endpoints_are_refused_by_their_place() -> None:
    """With those that there are."""
    assert _violations(lambda fields: fields.endpoints("scopes", ("models", "all"))) == (
        FieldViolation("scopes[1]", "must be one of: embeddings, models, usage"),
    )


@pytest.mark.parametrize("offset", [timedelta(), timedelta(microseconds=-1)])
def test_a_key_cannot_expire_in_the_past(offset: timedelta) -> None:
    """Now is past already."""
    assert _violations(lambda fields: fields.expiry("expire_time", _NOW + offset, _NOW)) == (
        FieldViolation("expire_time", "is in the past"),
    )


def test_a_key_expires_within_a_hundred_years() -> None:
    """So that the one that takes its place, and the next, still expire at a date that there is."""
    latest = _NOW + LIFETIME_MAX
    assert _violations(lambda fields: fields.expiry("expire_time", latest, _NOW)) == ()
    later = latest + timedelta(microseconds=1)
    assert len(_violations(lambda fields: fields.expiry("expire_time", later, _NOW))) == 1


def test_of_very_many_faults_not_each_is_told() -> None:
    """Nobody would read them, and all other calls would wait for their sentences."""
    assert len(_violations(lambda fields: fields.endpoints("scopes", ["x"] * 10_000))) == 100


@pytest.mark.parametrize("grace", [timedelta(microseconds=-1), timedelta(days=3661), timedelta.max])
def test_a_grace_period_has_bounds(grace: timedelta) -> None:
    """Ten years are enough, and no sum overflows."""
    assert len(_violations(lambda fields: fields.grace("grace", grace))) == 1


def test_a_note_loses_what_looks_like_a_key() -> None:
    """People paste keys into reasons."""
    fields = Fields()
    note = fields.note("reason", f"found\n{key_text()} in a log")
    fields.check()
    assert key_text() not in note
    assert note == "found sk-tesse****…" + key_text()[-4:] + " in a log"


def test_everything_that_is_wrong_is_told_at_once() -> None:
    """In the order of the fields."""

    def read(fields: Fields) -> None:
        fields.name("name", "")
        fields.email("email", "x")
        fields.id("id", "x")

    assert [each.field for each in _violations(read)] == ["name", "email", "id"]
