"""The last good directory on the local disk, so that a process can start without PostgreSQL."""

import os
from pathlib import Path

import orjson

from authz.domain.directory import Account, BadDirectoryError, Directory, Key, Tier
from authz.domain.pepper import Pepper
from authz.domain.snapshot import Snapshot
from authz.storage.directory_fields import by_id, parse_account, parse_key, parse_tier


class SnapshotFile:
    """One file: a seal made with the pepper, then JSON. It holds digests, and no key."""

    def __init__(self, path: Path, pepper: Pepper) -> None:
        self._path = path
        self._pepper = pepper

    def write(self, snapshot: Snapshot) -> None:
        """Replace the file at once, readable by its owner alone.

        Raises:
            OSError: the disk is full, or not ours.
        """
        content = orjson.dumps(_encode(snapshot, self._pepper.id))
        # Several processes may share the file; each has its own unfinished one.
        unfinished = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(self._pepper.seal(content).hex().encode() + b"\n" + content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(self._path)

    def read(self) -> Snapshot | None:
        """Return what was last written; nothing where there is no file.

        Raises:
            BadDirectoryError: the file is cut, changed, or sealed with another pepper.
            OSError: it cannot be read.
        """
        try:
            seal, _, content = self._path.read_bytes().partition(b"\n")
        except FileNotFoundError:
            return None
        try:
            sealed = self._pepper.is_sealed(content, bytes.fromhex(seal.decode("ascii")))
        except ValueError:
            sealed = False
        if not sealed:
            raise BadDirectoryError("the snapshot's seal does not fit its content")
        return _decode(orjson.loads(content), self._pepper.id)


def _encode(snapshot: Snapshot, pepper_id: str) -> dict[str, object]:
    directory = snapshot.directory
    return {
        "heard_at": snapshot.heard_at,
        "number": directory.number,
        "tiers": [_encode_tier(tier) for tier in directory.tiers.values()],
        "accounts": [_encode_account(account) for account in directory.accounts.values()],
        "keys": [_encode_key(key, pepper_id) for key in directory.keys.values()],
    }


def _encode_tier(tier: Tier) -> dict[str, object]:
    return {
        "name": tier.name,
        "requests_per_minute": tier.requests_per_minute,
        "tokens_per_minute": tier.tokens_per_minute,
        "tokens_per_month": tier.tokens_per_month,
        "items_max": tier.items_max,
        "endpoints": sorted(tier.endpoints),
        "models": sorted(tier.models),
    }


def _encode_account(account: Account) -> dict[str, object]:
    return {
        "id": str(account.id),
        "name": account.name,
        "tier": account.tier,
        "status": account.status,
    }


def _encode_key(key: Key, pepper_id: str) -> dict[str, object]:
    return {
        "id": str(key.id),
        "account_id": str(key.account_id),
        "digest": key.digest.hex(),
        "pepper_id": pepper_id,
        "status": key.status,
        "scopes": sorted(key.scopes),
        "expires_at": key.expires_at,
    }


def _decode(fields: dict[str, object], pepper_id: str) -> Snapshot:
    """Undo `_encode`. A sealed file of another release may have other fields."""
    try:
        match fields:
            case {
                "heard_at": float(heard_at),
                "number": int(number),
                "tiers": list(tiers),
                "accounts": list(accounts),
                "keys": list(keys),
            }:
                directory = Directory.build(
                    number,
                    by_id(map(parse_tier, tiers), lambda tier: tier.name),
                    by_id(map(parse_account, accounts), lambda account: account.id),
                    by_id((parse_key(key, pepper_id) for key in keys), lambda key: key.id),
                )
                return Snapshot(directory, heard_at)
    except (KeyError, TypeError) as error:
        raise BadDirectoryError("the snapshot misses a field") from error
    raise BadDirectoryError("the snapshot is of another release")
