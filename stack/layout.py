"""Where a stack keeps its things: a private folder, and one for sockets if it is too deep."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from stack.errors import StackError

_SOCKET_PATH_MAX: Final = 107
_SOCKET_NAME_MAX: Final = len("/authz-99.metrics.sock")
_FREE_BYTES_MIN: Final = 256 * 2**20
SUPERVISOR: Final = "stack"
"""The name of the supervising process's log."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Paths beneath an absolute state folder, and the folder of the Unix sockets.

    `repository` is a model repository elsewhere, where one is served from there.
    """

    state: Path
    run: Path
    repository: Path | None = None

    @property
    def logs(self) -> Path:
        """One file per process; beside it what came before, or the previous start's."""
        return self.state / "logs"

    @property
    def lock(self) -> Path:
        """Locked as long as any process of the stack lives."""
        return self.state / "lock"

    @property
    def status(self) -> Path:
        """What runs, in JSON; replaced at every change."""
        return self.state / "status.json"

    @property
    def database(self) -> Path:
        """PostgreSQL's data."""
        return self.state / "postgres"

    @property
    def models(self) -> Path:
        """The model repository; it is built here unless it is elsewhere."""
        return self.repository or self.state / "models"

    @property
    def card(self) -> Path:
        """The model folder: the card and the tokenizer."""
        return self.models / "card"

    @property
    def backends(self) -> Path:
        """Triton's backends."""
        return self.state / "backends"

    @property
    def snapshots(self) -> Path:
        """What each authz process last knew of the keys."""
        return self.state / "snapshots"

    @property
    def usage(self) -> Path:
        """The journal of each authz process."""
        return self.state / "usage"

    @property
    def failures(self) -> Path:
        """The requests that Envoy saw fail, to be refunded."""
        return self.state / "failures.jsonl"

    @property
    def outbox(self) -> Path:
        """Mails that would have been sent."""
        return self.state / "outbox"

    @property
    def audit_head(self) -> Path:
        """The end of the audit, out of the database's reach."""
        return self.state / "audit-head"

    @property
    def bootstrap(self) -> Path:
        """Envoy's whole configuration."""
        return self.state / "envoy.yaml"

    @property
    def pepper(self) -> Path:
        """The secret that keys are hashed with."""
        return self.state / "pepper"

    @property
    def key(self) -> Path:
        """The demo account's key."""
        return self.state / "key"

    @property
    def env(self) -> Path:
        """Shell exports for clients."""
        return self.state / "env"

    def log(self, name: str) -> Path:
        """Return the log file of one process or step."""
        return self.logs / f"{name}.log"

    def socket(self, name: str) -> Path:
        """Return the Unix socket of that name."""
        return self.run / f"{name}.sock"


def locate(state: Path) -> Layout:
    """Return the layout of a state folder, which need not exist."""
    absolute = Path(os.path.abspath(state))  # noqa: PTH100 - resolve() would follow links
    run = absolute / "run"
    if len(os.fsencode(run)) + _SOCKET_NAME_MAX > _SOCKET_PATH_MAX:
        name = hashlib.sha256(os.fsencode(absolute)).hexdigest()[:12]
        run = Path(tempfile.gettempdir(), f"tessera-{os.geteuid()}-{name}")
    return Layout(state=absolute, run=run)


def prepare(layout: Layout) -> None:
    """Make the folders, readable by their owner alone, or say what is wrong with them."""
    folders = (
        *(layout.state, layout.run, layout.logs),
        *(layout.backends, layout.snapshots, layout.usage, layout.outbox),
    )
    try:
        _refuse_occupied(layout, folders)
        for folder in folders:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        layout.state.chmod(0o700)
        probe = layout.state / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise StackError(
            f"The state folder {layout.state} cannot be used: {error.strerror}: {error.filename}"
        ) from error
    _refuse_foreign(layout.run)
    free = shutil.disk_usage(layout.state).free
    if free < _FREE_BYTES_MIN:
        raise StackError(
            f"The disk of {layout.state} is full: {free // 2**20} MiB are free,"
            f" {_FREE_BYTES_MIN // 2**20} MiB are needed"
        )


def _refuse_occupied(layout: Layout, ours: Sequence[Path]) -> None:
    """A folder that somebody uses for other things would be closed to others, and filled."""
    if layout.lock.exists() or not layout.state.exists():
        return
    if any(path not in ours for path in layout.state.iterdir()):
        raise StackError(
            f"The folder {layout.state} is no state folder, and not empty;"
            " name another with --state"
        )


def _refuse_foreign(folder: Path) -> None:
    """Sockets are only as private as their folder, and anyone can make one in /tmp first."""
    stat = folder.lstat()
    if stat.st_uid != os.geteuid() or stat.st_mode & 0o077:
        raise StackError(f"The folder for sockets, {folder}, is open to others; remove it")
