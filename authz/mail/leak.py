"""The letter that warns of a leaked key."""

from collections.abc import Iterator
from datetime import UTC
from typing import Final

from authz.domain.administration.mail import LeakMail
from authz.mail.letter import Facts, Heading, Letter, Paragraph, Points, quote
from authz.mail.service_facts import ServiceFacts

_CLEANING_UP: Final = (
    "Remove the old key from where it was found. That does not call it back: whoever saw it may"
    " have kept it, which is why it stays revoked."
)


def write_leak(mail: LeakMail, service: ServiceFacts) -> Letter:
    """Say which key was found where, that it no longer works, and what to do."""
    return Letter(
        "A Tessera API key was found in public and revoked",
        (
            Paragraph(
                f"A key of the account {quote(mail.account_name)} was found where others can read"
                " it. We revoked it: calls with it are refused."
            ),
            Facts(tuple(_facts(mail))),
            *_explain_next(service),
        ),
    )


def _facts(mail: LeakMail) -> Iterator[tuple[str, str]]:
    yield "Key", quote(mail.key_name)
    yield "Environment", quote(mail.environment)
    yield "Begins and ends", quote(mail.shown)
    yield "Found at", quote(mail.found_at)
    if mail.reporter:
        yield "Reported by", quote(mail.reporter)
    yield "Revoked at", f"{mail.at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _explain_next(service: ServiceFacts) -> tuple[Heading | Points | Paragraph, ...]:
    return (
        Heading("What to do next"),
        Points(
            (
                f"Write to {service.support} for a new key, and put it where the old one was used.",
                _CLEANING_UP,
                "Look for calls that you did not make, and tell us of them.",
                "Keep keys in a secrets manager, one for each environment, never in source code.",
            )
        ),
        Paragraph(
            f"If you have questions, write to {service.support}. We will never ask you for a key."
        ),
    )
