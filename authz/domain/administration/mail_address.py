"""Which mail addresses can be written to."""

import re
from typing import Final, NewType

MailAddress = NewType("MailAddress", str)

LENGTH_MAX: Final = 254
_LOCAL_LENGTH_MAX: Final = 64

_ATOM: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_MATCH: Final = re.compile(rf"({_ATOM}(?:\.{_ATOM})*)@({_LABEL}(?:\.{_LABEL})*)").fullmatch


class BadMailAddressError(ValueError):
    """A text is no address that every mail server takes; the message says why, after its name."""


def parse_mail_address(text: str) -> MailAddress:
    """Return `text` if every mail server takes it: plain ASCII, without quotes and comments.

    Raises:
        BadMailAddressError: it is none; the message does not repeat it.
    """
    if not text.isascii():
        # The standard library's IDNA is of 2003, and leads some names to another's domain.
        raise BadMailAddressError(
            "must be in ASCII; a domain with other letters has a form that starts xn--"
        )
    match = _MATCH(text)
    if match is None:
        raise BadMailAddressError("must be one address like name@example.com")
    if len(text) > LENGTH_MAX or len(match[1]) > _LOCAL_LENGTH_MAX:
        raise BadMailAddressError(
            f"must have at most {LENGTH_MAX} characters, {_LOCAL_LENGTH_MAX} before the @"
        )
    return MailAddress(text)


def domain_of(address: MailAddress) -> str:
    """Return what stands behind the `@`."""
    return address.rpartition("@")[2]
