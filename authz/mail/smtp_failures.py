"""Why a mail server did not take a message, in words that hold nothing of the message."""

import os
import re
import ssl
from typing import Final

from aiosmtplib import (
    SMTPAuthenticationError,
    SMTPConnectResponseError,
    SMTPDataError,
    SMTPHeloError,
    SMTPRecipientRefused,
    SMTPResponseException,
    SMTPSenderRefused,
    SMTPServerDisconnected,
    SMTPStatus,
)

_ENHANCED_CODE: Final = re.compile(r"[245]\.\d{1,3}\.\d{1,3}\b", re.ASCII)

_REFUSED: Final[dict[type[SMTPResponseException], str]] = {
    SMTPConnectResponseError: "the connection",
    SMTPHeloError: "the greeting",
    SMTPAuthenticationError: "the login",
    SMTPSenderRefused: "the sender",
    SMTPRecipientRefused: "the recipient",
    SMTPDataError: "the message",
}


class NoStartTlsError(ValueError):
    """The server offers no TLS, and nothing is sent without."""


class CannotLogInError(ValueError):
    """A login is set, and cannot be tried; the message says why."""


def explain(error: Exception, deadline_seconds: float) -> str:
    """Return what the server did, to follow its name.

    Of its reply only the codes are told: the text may repeat the message, and the key in it.
    """
    for each in _with_causes(error):
        match each:
            case SMTPResponseException(code=SMTPStatus.invalid_response):
                return "gave an answer that is no SMTP"
            case SMTPResponseException():
                what = _REFUSED.get(type(each), "TLS")
                return f"refused {what}: {_codes(each)}"
            case NoStartTlsError():
                return "offers no STARTTLS, and no mail is sent without TLS"
            case CannotLogInError():
                return str(each)
            case ssl.SSLCertVerificationError():
                reason = each.verify_message.rstrip(".")
                return f"shows a certificate that is not trusted: {reason}"
            case ssl.SSLError():
                return f"speaks no TLS that is accepted: {each.reason}"
    return _explain_silence(error, deadline_seconds)


def _explain_silence(error: Exception, deadline_seconds: float) -> str:
    for each in _with_causes(error):
        match each:
            case SMTPServerDisconnected():
                return "closed the connection before it accepted the message"
            case TimeoutError():
                return f"did not accept the message within {deadline_seconds:g} seconds"
            case OSError(errno=int(number), strerror=str(reason)):
                # asyncio puts an address in the place of the reason; a resolver's are negative.
                return f"cannot be reached: {os.strerror(number) if number > 0 else reason}"
    if isinstance(error, OSError):  # asyncio tried several addresses, and joined what they said
        return "cannot be reached"
    return f"could not be spoken to: {type(error).__name__}"


def _codes(error: SMTPResponseException) -> str:
    found = _ENHANCED_CODE.match(error.message)
    return f"{error.code} {found[0]}" if found else str(error.code)


def _with_causes(error: BaseException | None) -> list[BaseException]:
    """An error and what it came from: aiosmtplib wraps what the network said."""
    return [] if error is None else [error, *_with_causes(error.__cause__)]
