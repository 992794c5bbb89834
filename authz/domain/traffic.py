"""What became of the requests that were charged in one minute, as different parts count them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from authz.domain.quota.amounts import NOTHING, Amounts
from authz.domain.usage.failure import Failure

_VECTORS: Final = 200


@dataclass(frozen=True, slots=True)
class Traffic:
    """What the access log tells of one minute's requests.

    `seen` were answered with vectors, by what authz charged; `left` were charged, and nobody stayed
    for the answer; `served` is what the adapter says of those that were seen.
    """

    seen: Amounts = NOTHING
    left: Amounts = NOTHING
    served: Amounts = NOTHING

    def __add__(self, other: "Traffic") -> "Traffic":
        return Traffic(self.seen + other.seen, self.left + other.left, self.served + other.served)


@dataclass(frozen=True, slots=True)
class Drift:
    """By how much two counts of the same differ; negative where the second is higher."""

    charged_seen: Amounts = NOTHING
    seen_served: Amounts = NOTHING


@dataclass(frozen=True, slots=True)
class CountedMinute:
    """All counts of one minute; `charged` is without what was refunded."""

    minute: datetime
    charged: Amounts
    traffic: Traffic

    @property
    def drift(self) -> Drift:
        """Return what does not agree: nothing, where everybody counts right."""
        traffic = self.traffic
        return Drift(
            charged_seen=self.charged - (traffic.seen + traffic.left),
            seen_served=traffic.seen - traffic.served,
        )


def observe(charged: int, served: int | None, failure: Failure | None) -> Traffic:
    """Count one request of an access log; `failure` where it did not end well.

    `charged` and `served` are tokens, as authz and the adapter told them. What is refunded is not
    counted, as it is not in what was charged.
    """
    cost = Amounts(1, charged)
    if failure is not None and failure.is_refunded:
        return Traffic()
    if failure is not None and failure.status != _VECTORS:
        return Traffic(left=cost)
    return Traffic(seen=cost, served=NOTHING if served is None else Amounts(1, served))
