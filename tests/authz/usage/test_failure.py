"""Who pays for a request that did not end well."""

import pytest

from authz.domain.usage.charge import Charge
from authz.domain.usage.failure import Failure
from authz.domain.usage.refund import Refund
from authz.domain.usage.tally import Tally

# Lines as the real Envoy wrote them: status, flags, and whether anything was sent to the adapter.
_REFUNDED = {
    "the adapter answered 400": (400, "", True),
    "the adapter answered 500": (500, "", True),
    "the adapter hung up": (503, "UC", True),
    "the adapter was silent": (504, "UT", True),
    "the adapter was not there": (503, "URX,UF", False),
    "the adapter broke the protocol": (500, "UPE", True),
    "authz was too slow": (503, "UAEX", False),
    "the client left before it was sent": (0, "DC", False),
    "the client reset before it was sent": (0, "DR", False),
    "the answer was cut by the adapter": (200, "UC", True),
    "the answer was cut by the adapter, then the client left": (200, "UC,DC", True),
    "it failed, and the client left before it was told": (503, "UC,DC", True),
    "nothing was answered, and nobody left": (0, "", True),
    "the adapter was cut off, then the client left": (0, "UC,DC", True),
}
_CHARGED = {
    "the client left while the model worked": (0, "DC", True),
    "the client reset while the model worked": (0, "DR", True),
    "the client left within the answer": (200, "DC", True),
    "the client did not read the answer": (200, "SI", True),
    "the client read the answer too slowly": (200, "UT", True),
    "the client broke the protocol while the model worked": (0, "DPE", True),
    "the client broke the protocol within the answer": (200, "DPE", True),
}


def _failure(status: int, flags: str, was_sent: bool) -> Failure:  # noqa: FBT001 the table's
    return Failure("req_1", status, frozenset(filter(None, flags.split(","))), was_sent)


@pytest.mark.parametrize("case", _REFUNDED.values(), ids=_REFUNDED)
def test_a_client_does_not_pay_for_what_others_did(case: tuple[int, str, bool]) -> None:
    """Nor for what was never begun."""
    assert _failure(*case).is_refunded
    assert _failure(*case).is_model_failure == case[2]


@pytest.mark.parametrize("case", _CHARGED.values(), ids=_CHARGED)
def test_a_client_pays_for_work_that_it_did_not_wait_for(case: tuple[int, str, bool]) -> None:
    """Else leaving in time would be free of charge."""
    assert not _failure(*case).is_refunded
    assert not _failure(*case).is_model_failure


@pytest.mark.parametrize(
    ("is_leased", "to_lease", "returned"), [(True, True, 0), (True, False, 7), (False, False, 0)]
)
def test_the_month_gets_back_what_it_paid_and_no_lease_has(
    is_leased: bool,  # noqa: FBT001 the table's
    to_lease: bool,  # noqa: FBT001 the table's
    returned: int,
) -> None:
    """What no lease paid was never taken from a month."""
    refund = Refund(Charge(1, 0, 7, is_leased), is_model_failure=True, to_lease=to_lease)
    assert refund.tally == Tally(0, 0, 1, 1, 7, returned)
