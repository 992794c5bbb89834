"""How a model uses its machine."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tuning:
    """For engines in the Python backend; the defaults suit two cores that other processes share.

    Two instances of one thread beat one of two threads: neither waits for the other, so a core
    that Envoy, authz or the adapter takes for a moment stalls one batch and not both.
    """

    instances: int = 2
    threads: int = 1
    run_tokens_max: int = 2048
