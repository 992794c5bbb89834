"""What is told to a customer by mail."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class WelcomeMail:
    """The account's first key, ready to use: the one message that carries a key's text."""

    recipient: str
    account_name: str
    key_name: str
    environment: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class LeakMail:
    """A key was found where others can read it, and no longer works."""

    recipient: str
    account_name: str
    key_name: str
    environment: str
    shown: str
    """As much of the key as tells it from others: its prefix and its last four characters."""
    found_at: str
    """Where it was found, in the reporter's words: most often a URL."""
    reporter: str
    at: datetime


Mail = WelcomeMail | LeakMail
