"""The functions under test, so that a test can put a wrong one in place and see it caught."""

from collections.abc import Callable
from dataclasses import dataclass

from authz.domain.quota import asking, ledger
from authz.domain.quota.holder import Holder
from authz.domain.quota.lease_messages import Answer, Ask
from authz.domain.quota.lease_rules import LeaseRules
from authz.domain.quota.ledger import Ledger
from authz.domain.quota.quota import Limits
from tests.authz.quota.simulation.scenario import RULES

AnswerAsk = Callable[[Ledger, Ask, Limits, LeaseRules, int], tuple[Ledger, Answer]]
HearAnswer = Callable[[Holder, Ask, Answer, int], Holder]


@dataclass(frozen=True, slots=True)
class Engine:
    """How the ledger answers, and how a holder takes an answer in."""

    answer: AnswerAsk = ledger.answer
    hear: HearAnswer = asking.hear
    rules: LeaseRules = RULES
    checks_ledger: bool = True
    """A wrong ledger is to be caught by what it admits, and not by its own books."""
