"""What a mail tells of the service it comes from."""

from dataclasses import dataclass

from authz.domain.administration.mail_address import MailAddress


@dataclass(frozen=True, slots=True)
class ServiceFacts:
    """How customers reach the service and its people."""

    base_url: str
    """What an SDK takes as its base URL; ends in `/v1`."""
    model: str
    support: MailAddress
