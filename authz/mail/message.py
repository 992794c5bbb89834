"""A mail as it goes over the wire."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from typing import Final, assert_never

from authz.domain.administration.mail import LeakMail, Mail, WelcomeMail
from authz.domain.administration.mail_address import (
    BadMailAddressError,
    MailAddress,
    domain_of,
    parse_mail_address,
)
from authz.domain.administration.refusals import MailNotAcceptedError
from authz.mail.leak import write_leak
from authz.mail.letter import Letter
from authz.mail.markup import write_markup
from authz.mail.plain import write_plain
from authz.mail.service_facts import ServiceFacts
from authz.mail.welcome import write_welcome

_SENDER_NAME: Final = "Tessera"
_ASCII_ONLY: Final = SMTP.clone(cte_type="7bit")  # so that no server need know 8BITMIME
_LINE_LENGTH_MAX: Final = 78


@dataclass(frozen=True, slots=True)
class Envelope:
    """A message, and the addresses that the mail server is told."""

    sender: MailAddress
    recipient: MailAddress
    content: bytes = field(repr=False)


class MessageWriter:
    """Writes mails from one sender; the clock and the ids come from outside."""

    def __init__(
        self,
        sender: MailAddress,
        service: ServiceFacts,
        clock: Callable[[], datetime],
        new_id: Callable[[], str],
    ) -> None:
        """`new_id` returns letters and digits that no other message has."""
        self._sender = sender
        self._service = service
        self._clock = clock
        self._new_id = new_id

    def write(self, mail: Mail) -> Envelope:
        """Return the message. Raises `MailNotAcceptedError` where the address is none."""
        try:
            recipient = parse_mail_address(mail.recipient)
        except BadMailAddressError as error:
            raise MailNotAcceptedError(f"The account's address {error}.") from None
        message = self._write_message(recipient, self._write_letter(mail))
        return Envelope(self._sender, recipient, message.as_bytes())

    def _write_letter(self, mail: Mail) -> Letter:
        match mail:
            case WelcomeMail():
                return write_welcome(mail, self._service)
            case LeakMail():
                return write_leak(mail, self._service)
            case _:
                assert_never(mail)

    def _write_message(self, recipient: MailAddress, letter: Letter) -> EmailMessage:
        message = EmailMessage(_ASCII_ONLY)
        message["Date"] = self._clock()
        message["From"] = Address(_SENDER_NAME, addr_spec=self._sender)
        message["To"] = Address(addr_spec=recipient)
        message["Reply-To"] = Address(addr_spec=self._service.support)
        message["Subject"] = letter.subject
        message["Message-ID"] = f"<{self._new_id()}@{domain_of(self._sender)}>"
        message["Auto-Submitted"] = "auto-generated"
        text = write_plain(letter)
        message.set_content(text, cte=_pick_encoding(text))
        message.add_alternative(write_markup(letter), subtype="html", cte="quoted-printable")
        return message


def _pick_encoding(text: str) -> str:
    """Leave plain text as it is where that is allowed: an .eml file is read by people too."""
    fits = text.isascii() and all(len(line) <= _LINE_LENGTH_MAX for line in text.splitlines())
    return "7bit" if fits else "quoted-printable"
