"""Which addresses can be written to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authz.domain.administration.mail_address import (
    BadMailAddressError,
    domain_of,
    parse_mail_address,
)


@pytest.mark.parametrize(
    "text",
    [
        "dev@acme.example",
        "first.last+keys@sub.acme.example",
        "o'neil@acme.example",
        "dev@xn--mnchen-3ya.example",
        "dev@localhost",
        f"{'a' * 64}@acme.example",
    ],
)
def test_an_address_is_taken_as_it_is(text: str) -> None:
    """Nothing in it is changed."""
    assert parse_mail_address(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "dev",
        "@acme.example",
        "dev@",
        "dev@@acme.example",
        "a@b@acme.example",
        "dev@acme..example",
        ".dev@acme.example",
        "dev@-acme.example",
        "dev@[127.0.0.1]",
        '"d e v"@acme.example',
        "Dev <dev@acme.example>",
        "dev@acme.example, eve@acme.example",
        "dev@acme.example\n",
        "dev@acme.example\r\nBcc: eve@acme.example",
        "dev@acme.example\x00",
        " dev@acme.example",
        f"{'a' * 65}@acme.example",
        f"dev@{'a.' * 126}example",
    ],
)
def test_what_is_no_single_address_is_refused(text: str) -> None:
    """No list, no name, no line break, nothing that only some servers take."""
    with pytest.raises(BadMailAddressError):
        parse_mail_address(text)


@pytest.mark.parametrize("text", ["dév@acme.example", "dev@münchen.example", "dev@例え.jp"])
def test_other_letters_are_refused_with_a_way_out(text: str) -> None:
    """Not every server takes them, and the ways to rewrite a domain do not agree."""
    with pytest.raises(BadMailAddressError, match="xn--"):
        parse_mail_address(text)


@given(st.text())
def test_what_is_taken_is_harmless_in_a_header(text: str) -> None:
    """Printable ASCII without blanks and brackets, with one `@`."""
    try:
        address = parse_mail_address(text)
    except BadMailAddressError:
        return
    assert address.isprintable()
    assert not set(address) & set(' <>(),;:\\"')
    assert f"{address.split('@')[0]}@{domain_of(address)}" == address
