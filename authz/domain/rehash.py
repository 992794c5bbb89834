"""A key's digest made anew, when its text was seen again after its digest was wrapped."""

from dataclasses import dataclass, field

from authz.domain.directory import KeyId, PepperId


@dataclass(frozen=True, slots=True)
class Rehash:
    """What a key's digest can be replaced with, so that it needs one pepper and not a chain.

    `inner` proves that whoever proposes it has seen the key: `stored` is the wrap of it under the
    chain's last pepper, which shows it to nobody. `digest` is the key's under that pepper alone.
    """

    key_id: KeyId
    stored: bytes = field(repr=False)
    inner: bytes = field(repr=False)
    pepper_id: PepperId
    digest: bytes = field(repr=False)
