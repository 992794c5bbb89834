"""A charge that is taken back."""

from dataclasses import dataclass

from authz.domain.usage.charge import Charge
from authz.domain.usage.tally import Tally


@dataclass(frozen=True, slots=True)
class Refund:
    """A charge that is taken back, once; `to_lease`: the lease that paid has it already."""

    charge: Charge
    is_model_failure: bool
    to_lease: bool

    @property
    def tally(self) -> Tally:
        """What it adds to the sums of the charge's minute."""
        tokens = self.charge.tokens
        return Tally(
            failures=int(self.is_model_failure),
            refunded_requests=1,
            refunded_tokens=tokens,
            returned_tokens=tokens if self.charge.is_leased and not self.to_lease else 0,
        )
