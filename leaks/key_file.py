"""Public keys in a file, which may be replaced while the process runs."""

from pathlib import Path

import structlog

from leaks.public_keys import BadPublicKeysError, PublicKey, PublicKeys

_log = structlog.get_logger()

_Version = tuple[int, int, int]


class KeyFile:
    """Reads the file again when it changes; what cannot be used changes nothing."""

    def __init__(self, path: Path) -> None:
        """Read the file. Raises `OSError` and `BadPublicKeysError`."""
        self._path = path
        self._version = _version_of(path)
        self._keys = PublicKeys.parse(path.read_bytes())

    async def find(self, identifier: str) -> PublicKey | None:
        """Return the key of that name, as the file has it now."""
        try:
            self._read_again()
        except (OSError, BadPublicKeysError) as error:
            _log.error("public_keys.refused", file=str(self._path), error=type(error).__name__)
        return self._keys.find(identifier)

    async def is_ready(self) -> bool:
        """There are keys from the start on."""
        return True

    def _read_again(self) -> None:
        version = _version_of(self._path)
        if version == self._version:
            return
        self._version = version  # a bad file is complained of once
        self._keys = PublicKeys.parse(self._path.read_bytes())
        _log.info("public_keys.replaced", file=str(self._path), keys=len(self._keys))


def _version_of(path: Path) -> _Version:
    stat = path.stat()
    return stat.st_ino, stat.st_mtime_ns, stat.st_size
