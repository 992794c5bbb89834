"""Makes keys, under the pepper that is current."""

from collections.abc import Callable, Set
from dataclasses import dataclass
from datetime import datetime

from authz.domain.administration.refusals import PreconditionError
from authz.domain.directory import Endpoint, Network
from authz.domain.new_key import NewKey
from authz.domain.pepper import Pepper, Peppers
from authz.service.admin.tables import Tables
from contract.keys import mint_key


@dataclass(frozen=True, slots=True)
class KeyTerms:
    """What a key is for, where and until when it works, and how much it may of its account's."""

    name: str
    environment: str
    scopes: Set[Endpoint] = frozenset(Endpoint)
    networks: tuple[Network, ...] = ()
    expires_at: datetime | None = None
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None


class Mint:
    """Knows the peppers; `pick_index(n)` returns a secure random integer in [0, n)."""

    def __init__(self, peppers: Callable[[], Peppers], pick_index: Callable[[int], int]) -> None:
        self._peppers = peppers
        self._pick_index = pick_index

    def make_text(self) -> str:
        """Make a key's text."""
        return mint_key(self._pick_index)

    async def describe(self, tables: Tables, at: datetime, text: str, terms: KeyTerms) -> NewKey:
        """Return what is stored of a key.

        Raises:
            PreconditionError: the current pepper is not known here.
        """
        return NewKey.describe(
            text,
            await self._take_pepper(tables, at),
            name=terms.name,
            environment=terms.environment,
            scopes=terms.scopes,
            networks=terms.networks,
            expires_at=terms.expires_at,
            requests_per_minute=terms.requests_per_minute,
            tokens_per_minute=terms.tokens_per_minute,
        )

    async def check(self, tables: Tables) -> None:
        """Return if a key can be made. Raises `PreconditionError`."""
        await self._find_pepper(tables)

    async def _take_pepper(self, tables: Tables, at: datetime) -> Pepper:
        pepper = await self._find_pepper(tables)
        if pepper is None:
            pepper = self._peppers().newest
            await tables.peppers.make_current(pepper.id, at)
        return pepper

    async def _find_pepper(self, tables: Tables) -> Pepper | None:
        """Return the current pepper, or nothing where no key was ever made."""
        current = await tables.peppers.current()
        if current is None:
            return None
        if current not in self._peppers():
            raise PreconditionError(
                "pepper",
                current,
                f"Keys are made under pepper {current}, which is not known here:"
                " it is missing in this service's pepper file.",
            )
        return self._peppers()[current]
