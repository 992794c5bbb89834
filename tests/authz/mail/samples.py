"""Mails and what they are written with."""

import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from typing import Final

from authz.domain.administration.mail import LeakMail, WelcomeMail
from authz.domain.administration.mail_address import parse_mail_address
from authz.mail.message import MessageWriter
from authz.mail.service_facts import ServiceFacts
from contract.keys import mint_key

KEY: Final = mint_key(secrets.randbelow)
MOMENT: Final = datetime(2026, 3, 1, 12, 30, 15, 123456, UTC)

WELCOME: Final = WelcomeMail("dev@acme.example", "Acme GmbH", "backend", "prod", KEY)
LEAK: Final = LeakMail(
    "dev@acme.example",
    "Acme GmbH",
    "backend",
    "prod",
    "sk-tessera-****…K3pT",
    "https://github.com/acme/shop/blob/main/settings.py",
    "GitHub secret scanning",
    MOMENT,
)
SERVICE: Final = ServiceFacts(
    "https://api.tesseraai.cloud/v1",
    "Qwen/Qwen3-Embedding-8B",
    parse_mail_address("support@tesseraai.cloud"),
)


def make_writer(clock: Callable[[], datetime] = lambda: MOMENT) -> MessageWriter:
    """A writer whose messages are numbered."""
    numbers = count(1)
    sender = parse_mail_address("no-reply@tesseraai.cloud")
    return MessageWriter(sender, SERVICE, clock, lambda: f"id{next(numbers)}")
