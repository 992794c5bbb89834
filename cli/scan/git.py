"""Run the `git` program on one repository, and read what it says as it says it."""

import io
import os
import select
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

SILENCE_SECONDS: Final = 300.0
"""How long git may say nothing; sorting a million commits takes it half a minute."""

_ANSWER_SECONDS: Final = 30.0
_BUFFER_BYTES: Final = 1 << 20
# A hook's variables name the hook's repository, whatever path we were given.
_PROGRAM: Final = ("env", "-u", "GIT_DIR", "-u", "GIT_WORK_TREE", "LC_ALL=C", "git")


class GitError(Exception):
    """Git could not be asked, or did not finish its answer; the text says why, for a person."""


class _Impatient(io.RawIOBase):
    """A pipe whose reader gives up after a silence."""

    def __init__(self, pipe: IO[bytes], silence_seconds: float) -> None:
        self._pipe = pipe
        self._silence_seconds = silence_seconds
        self._poll = select.poll()
        self._poll.register(pipe, select.POLLIN)

    def readable(self) -> bool:
        """Say so."""
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """Wait for bytes, or raise `GitError`."""
        if not self._poll.poll(self._silence_seconds * 1000):
            raise GitError(f"git has said nothing for {self._silence_seconds:.0f} seconds")
        return os.readv(self._pipe.fileno(), [buffer])


class Output(io.BufferedReader):
    """What git says, buffered."""


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository: the path that was asked for, and the folder that holds its objects."""

    asked: str
    folder: str

    @classmethod
    def find(cls, path: str) -> Self:
        """Find the repository that `path` belongs to, or raise `GitError`."""
        if shutil.which("git") is None:
            raise GitError("git is not installed, and history cannot be read without it")
        place = path if Path(path).is_dir() else str(Path(path).parent)
        answer = _ask(("-C", place, "rev-parse", "--git-common-dir"))
        if answer.returncode != 0:
            raise GitError(f"it is in no git repository that can be read: {_last(answer.stderr)}")
        folder = Path(place, os.fsdecode(answer.stdout.removesuffix(b"\n")))
        return cls(path, str(folder.resolve()))

    def is_shallow(self) -> bool:
        """Tell whether commits before some point were never fetched."""
        answer = _ask((*self._options(), "rev-parse", "--is-shallow-repository"))
        return answer.stdout.strip() == b"true"

    @contextmanager
    def pipe(
        self, first: tuple[str, ...], second: tuple[str, ...], silence_seconds: float
    ) -> Iterator[Output]:
        """Run two git commands, the first's output the second's input; yield the latter's output.

        Read to the end, then leave: `GitError` if one of them failed. An exception ends both.
        """
        with ExitStack() as stack:
            complaints = stack.enter_context(tempfile.TemporaryFile())
            source = stack.enter_context(self._start(first, subprocess.DEVNULL, complaints))
            sink = stack.enter_context(self._start(second, source.stdout, complaints))
            assert source.stdout is not None  # noqa: S101 - both are pipes by _start
            assert sink.stdout is not None  # noqa: S101
            source.stdout.close()  # so that the source notices when the sink ends
            stack.callback(_kill, source, sink)
            yield Output(_Impatient(sink.stdout, silence_seconds), _BUFFER_BYTES)
            _require_success(source, sink, complaints)

    def _start(
        self, arguments: tuple[str, ...], source: IO[bytes] | int | None, complaints: IO[bytes]
    ) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            (*_PROGRAM, *self._options(), *arguments),
            stdin=source,
            stdout=subprocess.PIPE,
            stderr=complaints,
            bufsize=0,
        )

    def _options(self) -> tuple[str, ...]:
        # Objects as they are, not as replaced; and never fetched, should the clone be partial.
        return (
            f"--git-dir={self.folder}",
            "--no-replace-objects",
            *("-c", "protocol.allow=never"),
        )


def _ask(arguments: tuple[str, ...]) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(
            (*_PROGRAM, *arguments),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_ANSWER_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise GitError(f"git has said nothing for {_ANSWER_SECONDS:.0f} seconds") from None


def _require_success(
    source: subprocess.Popen[bytes], sink: subprocess.Popen[bytes], complaints: IO[bytes]
) -> None:
    for process in (source, sink):
        try:
            code = process.wait(_ANSWER_SECONDS)
        except subprocess.TimeoutExpired:
            raise GitError("git does not end") from None
        if code != 0:
            complaints.seek(0)
            raise GitError(f"git stopped before the end: {_last(complaints.read())}")


def _kill(*processes: subprocess.Popen[bytes]) -> None:
    for process in processes:
        process.kill()


def _last(complaints: bytes) -> str:
    lines = complaints.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it gave no reason"
