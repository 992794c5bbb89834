"""A mail without secrets that is still to be sent."""

from dataclasses import dataclass
from uuid import UUID

from authz.domain.administration.mail import LeakMail


@dataclass(frozen=True, slots=True)
class Notice:
    """It is kept until a mail server has accepted it."""

    id: UUID
    mail: LeakMail
    attempts: int
    """Begun so far, this one included."""
