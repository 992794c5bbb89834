"""Run one program so that neither it nor anything it started outlives whoever asked for it.

    python -I -S guard.py STOP_SIGNAL STOP_SECONDS LOG LOG_BYTES_MAX PROGRAM [ARGUMENT ...]

The guard stands between the supervisor and the program, because only something that survives a
`kill -9` of the supervisor can clean up after it. Its standard input is the read end of a pipe that
the supervisor holds and never writes to: end of file means that the supervisor is gone. Then, or on
SIGTERM, the program gets STOP_SIGNAL, and SIGKILL after STOP_SECONDS. Once it has ended, however
it ended, every process it left behind is killed too. The program's pid is the one line of standard
output; the exit code is the program's own (128 + n after signal n).

What the program writes passes through here too, for no program can be made to go on in another file
when its log is full. The guard's standard error is open on the log, to append.

It runs on the standard library alone and without site-packages, to start in some ten milliseconds.
"""

import contextlib
import ctypes
import os
import select
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))  # last: no name of ours hides one of Python's
from stack.log_writer import LogWriter

_SET_PDEATHSIG = 1
_SET_CHILD_SUBREAPER = 36
_LIFELINE = 0
_STANDARD_ERROR = 2
_CHUNK_BYTES = 2**16
_EXIT_CANNOT_START = 127
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)


def main() -> int:
    """Start the program, wait for a reason to end, and leave nothing behind."""
    stop_signal = signal.Signals[sys.argv[1]]
    stop_seconds = float(sys.argv[2])
    # Orphans below us become our children instead of init's, so that they can be found and killed.
    _prctl(_SET_CHILD_SUBREAPER, 1)
    wakeup = _listen_for_signals()
    relay = _Relay(LogWriter(Path(sys.argv[3]), _STANDARD_ERROR, int(sys.argv[4])))
    child = _start(sys.argv[5:], relay)
    sys.stdout.write(f"{child}\n")
    sys.stdout.close()
    status = _wait(child, wakeup, relay, until=None)
    if status is None:
        _signal(child, stop_signal)
        _signal(child, signal.SIGCONT)  # while it is stopped it hears nothing
        status = _wait(child, wakeup, relay, until=time.monotonic() + stop_seconds)
    if status is None:
        _signal(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
    _kill_descendants()
    relay.drain()
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


class _Relay:
    """A pipe that takes the program's output to its log."""

    def __init__(self, log: LogWriter) -> None:
        self._log = log
        self.reading, self.writing = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self.reading, False)

    def pass_on(self) -> bool:
        """Pass on some of what has been written; return False where there is nothing."""
        try:
            output = os.read(self.reading, _CHUNK_BYTES)
        except BlockingIOError:
            return False
        self._log.write(output)
        return bool(output)

    def drain(self) -> None:
        """Pass on all the rest."""
        while self.pass_on():
            pass


def _prctl(option: int, value: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl({option}) failed")


def _listen_for_signals() -> int:
    """Return a descriptor that becomes readable with each signal, its number the byte read."""
    reading, writing = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    for number in _SIGNALS:
        signal.signal(number, lambda *_: None)
    return reading


def _start(argv: list[str], relay: _Relay) -> int:
    guard = os.getpid()
    # A stop signal that came between fork and exec would meet our handlers, and be lost.
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    child = os.fork()
    if child:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        os.close(relay.writing)
        return child
    try:
        signal.set_wakeup_fd(-1)
        for number in (*_SIGNALS, signal.SIGPIPE):  # Python ignores SIGPIPE, and exec keeps that
            signal.signal(number, signal.SIG_DFL)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(relay.writing, 1)
        os.dup2(relay.writing, 2)
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))
        _prctl(_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != guard:  # the guard died before the line above took effect
            os._exit(_EXIT_CANNOT_START)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        os.execvp(argv[0], argv)  # noqa: S606 - the caller's own program, and no shell
    except OSError as error:
        os.write(2, f"cannot start {argv[0]}: {error.strerror}\n".encode())
    os._exit(_EXIT_CANNOT_START)


def _wait(child: int, wakeup: int, relay: _Relay, until: float | None) -> int | None:
    """Relay until the child has ended; return its wait status, or None at the deadline.

    Without a deadline, return None when the guard is told to stop.
    """
    poll = select.poll()
    poll.register(wakeup, select.POLLIN)
    poll.register(relay.reading, select.POLLIN)
    if until is None:
        poll.register(_LIFELINE, select.POLLHUP)
    while True:
        status = _reap(child)
        if status is not None:
            return status
        left = None if until is None else until - time.monotonic()
        if left is not None and left <= 0:
            return None
        ready = {fd for fd, _ in poll.poll(None if left is None else left * 1000)}
        if relay.reading in ready and not relay.pass_on():
            poll.unregister(relay.reading)  # closed: it would be ready for ever
        told = bytes(os.read(wakeup, 512)) if wakeup in ready else b""
        if until is None and (_LIFELINE in ready or signal.SIGTERM in told):
            return _reap(child)


def _reap(child: int) -> int | None:
    """Collect every ended child, adopted orphans included; return the program's status if there."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return None
        if pid == child:
            return status
        if pid == 0:
            return None


def _kill_descendants() -> None:
    """Kill generation by generation: the children of what is killed become children of ours."""
    while True:
        for pid in _children():
            _signal(pid, signal.SIGKILL)
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def _children() -> Iterator[int]:
    me = str(os.getpid())
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            stat = (entry / "stat").read_text()
        except OSError:  # it ended meanwhile
            continue
        # The command's name is in brackets and may hold anything, brackets included.
        if stat.rpartition(")")[2].split()[1] == me:
            yield int(entry.name)


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


if __name__ == "__main__":
    sys.exit(main())
