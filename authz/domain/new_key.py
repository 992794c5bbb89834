"""A key at the one moment when its text exists on our side."""

from collections.abc import Set
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Self

from authz.domain.directory import Endpoint, Network, PepperId
from authz.domain.pepper import Pepper
from contract.keys import PREFIX

_SHOWN: Final = 3


@dataclass(frozen=True, slots=True)
class NewKey:
    """All that is stored of a key; `prefix` and `last_four` are all that is shown of it again."""

    name: str
    environment: str
    scopes: Set[Endpoint]
    networks: tuple[Network, ...]
    expires_at: datetime | None
    pepper_id: PepperId
    digest: bytes = field(repr=False)
    prefix: str
    last_four: str
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None

    @classmethod
    def describe(
        cls,
        text: str,
        pepper: Pepper,
        *,
        name: str,
        environment: str,
        scopes: Set[Endpoint] = frozenset(Endpoint),
        networks: tuple[Network, ...] = (),
        expires_at: datetime | None = None,
        requests_per_minute: int | None = None,
        tokens_per_minute: int | None = None,
    ) -> Self:
        """Describe the key that `text` is, without keeping the text."""
        return cls(
            name=name,
            environment=environment,
            scopes=scopes,
            networks=networks,
            expires_at=expires_at,
            pepper_id=pepper.id,
            digest=pepper.digest_key(text),
            prefix=text[: len(PREFIX) + _SHOWN],
            last_four=text[-4:],
            requests_per_minute=requests_per_minute,
            tokens_per_minute=tokens_per_minute,
        )
