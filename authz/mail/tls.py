"""When a connection to a mail server becomes TLS."""

from enum import StrEnum


class SmtpTls(StrEnum):
    """It always does: after a greeting in the clear, or from the first byte."""

    STARTTLS = "starttls"
    IMPLICIT = "implicit"
