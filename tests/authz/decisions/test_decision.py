"""A decision as it is kept."""

from dataclasses import replace

import pytest

from authz.domain.decision import is_notable, name_limit
from authz.domain.directory import Holder
from authz.domain.pepper import Pepper
from authz.domain.quota.amounts import Dimension
from authz.domain.quota.outcome import Limited, Standing, Standings
from authz.domain.verdict import Allowed
from authz.service.quota.decision import Refused
from authz.service.quota.refusal import deny
from tests.authz.decisions.samples import ACCOUNT, ALLOWED, EVIDENCE, KEY, REFUSED, SHADOWED
from tests.authz.doubles import ACCOUNT as ACME
from tests.authz.doubles import TIER, make_key

_STANDINGS = Standings(Standing(1, 1, 0), Standing(1, 1, 0))


@pytest.mark.parametrize("wait", [None, 1])
@pytest.mark.parametrize("dimension", Dimension)
def test_a_shadow_tier_names_the_reason_that_would_have_refused(
    dimension: Dimension, wait: int | None, pepper: Pepper
) -> None:
    """The same that an enforced tier refuses with."""
    limited = Limited(dimension, 3, 3, 1, wait)
    evidence = replace(EVIDENCE, limited=limited)
    holder = Holder(make_key(pepper, "x"), ACME, TIER)
    denied = deny(Refused(limited, _STANDINGS, evidence), "model", holder)
    assert name_limit(limited) is denied.reason


def test_only_what_is_plainly_allowed_is_not_notable() -> None:
    """A refusal and what a shadow tier let pass always are."""
    assert not is_notable(ALLOWED)
    assert not is_notable(Allowed(ACCOUNT, KEY))
    assert is_notable(SHADOWED)
    assert is_notable(REFUSED)
