"""The demo account of a local stack, and the one key that is written to a file."""

import os
import secrets
from collections.abc import Collection
from pathlib import Path
from typing import Final

import asyncpg

from authz.domain.new_key import NewKey
from authz.domain.pepper import Pepper
from authz.storage import accounts
from contract.keys import is_well_formed, mint_key

_ACCOUNT: Final = "demo"
_TIER: Final = "standard"
_KEY: Final = "demo"
_ENVIRONMENT: Final = "dev"


async def seed_demo(connection: asyncpg.Connection, pepper: Pepper, out: Path) -> bool:
    """Leave a live key's text in `out`; tell whether it had to be made.

    A key in the file that is live is kept. One that was lost is revoked, since nobody has it.

    Raises:
        DatabaseError: PostgreSQL failed.
        OSError: the file cannot be written.
    """
    account_id = await accounts.ensure_account(connection, _ACCOUNT, _TIER)
    live = await accounts.find_live_keys(connection, account_id, _KEY)
    if _holds_one_of(out, pepper, live.values()):
        return False
    text = mint_key(secrets.randbelow)
    key = NewKey.describe(text, pepper, name=_KEY, environment=_ENVIRONMENT)
    await accounts.replace_keys(connection, account_id, live, key)
    _write_secret(out, text)
    return True


def _holds_one_of(path: Path, pepper: Pepper, digests: Collection[bytes]) -> bool:
    try:
        text = path.read_text("ascii").strip()
    except (FileNotFoundError, UnicodeDecodeError):
        return False
    return is_well_formed(text) and pepper.digest_key(text) in digests


def _write_secret(path: Path, text: str) -> None:
    """Replace the file at once, readable by its owner alone."""
    unfinished = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text + "\n")
    unfinished.replace(path)
