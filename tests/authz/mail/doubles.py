"""What stands in for the mail server where it has no part in the test."""

from collections.abc import Awaitable, Callable

from authz.domain.administration.mail import Mail
from authz.domain.administration.mail_address import BadMailAddressError, parse_mail_address
from authz.domain.administration.refusals import MailNotAcceptedError


async def _at_once() -> None:
    pass


class FakeMailer:
    """Takes mails, or refuses them: passes the same contract as what is real."""

    def __init__(self) -> None:
        self.accepted: list[Mail] = []
        self.refusal: str | None = None
        """The sentence with which every mail is refused."""
        self.before_answer: Callable[[], Awaitable[None]] = _at_once
        """Awaited by each send before it is answered: what happens while a server thinks."""

    async def send(self, mail: Mail) -> None:
        """Accept the mail, or raise `MailNotAcceptedError`."""
        try:
            parse_mail_address(mail.recipient)
        except BadMailAddressError as error:
            raise MailNotAcceptedError(str(error)) from None
        await self.before_answer()
        if self.refusal is not None:
            raise MailNotAcceptedError(self.refusal)
        self.accepted.append(mail)
