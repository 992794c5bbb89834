"""What TensorRT calls while it works: its log, its progress, and where its plan goes.

Its base classes belong to a library that is found at run time, hence classes inside functions. An
exception that one of them raises is printed and lost by the bindings, so each is kept here.
"""

import re
from functools import cache
from types import ModuleType
from typing import Any, Final

import structlog

from inference.tensorrt.compiler import Watch, Write

_MESSAGE_LENGTH_MAX: Final = 500
_IN_SOURCE: Final = re.compile(r"\[[\w.]+:\d+: \w+\] | In \w+ at /[^\s)]+")
_DEPTH_MAX: Final = 3
"""Of phases within phases: below are the kernels of single nodes, thousands of them."""


@cache
def find_log(tensorrt: ModuleType) -> "Log":
    """Return the library's log, of which it takes one in the life of a process."""
    return Log(tensorrt)


class Log:
    """Keeps the first error since it was cleared: the others follow from it."""

    def __init__(self, tensorrt: ModuleType) -> None:
        self.error: str | None = None
        self.native = _native_log(tensorrt, self)

    def clear(self) -> None:
        """Forget."""
        self.error = None

    def take(self, message: str, *, is_error: bool) -> None:
        """Take a line."""
        message = " ".join(message.split())
        if is_error and self.error is None:
            self.error = _plain(message)[:_MESSAGE_LENGTH_MAX]
        structlog.get_logger().debug("compiler.said", message=message)


class Sink:
    """Hands the plan on; what fails on the way is raised by `check`."""

    def __init__(self, tensorrt: ModuleType, write: Write) -> None:
        self._write = write
        self._failure: BaseException | None = None
        self.native = _native_writer(tensorrt, self)

    def take(self, data: bytes | memoryview) -> int:
        """Write it, and return how much that was."""
        if self._failure is not None:
            return 0
        try:
            self._write(data)
        except BaseException as failure:  # noqa: BLE001 - TensorRT would take it for a success
            self._failure = failure
            return 0
        return len(data)

    def check(self) -> None:
        """Raise what `write` raised."""
        if self._failure is not None:
            raise self._failure


def _plain(message: str) -> str:
    """Leave out where in the library's own source something went wrong."""
    return _IN_SOURCE.sub("", message).strip()


def _native_log(tensorrt: ModuleType, log: Log) -> Any:  # noqa: ANN401 - has no type of its own
    severity = tensorrt.ILogger.Severity

    class NativeLog(tensorrt.ILogger):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            tensorrt.ILogger.__init__(self)  # the bindings want it called so

        def log(self, level: Any, message: str) -> None:  # noqa: ANN401
            if level in {severity.INTERNAL_ERROR, severity.ERROR}:
                log.take(message, is_error=True)
            elif level == severity.WARNING:
                log.take(message, is_error=False)

    return NativeLog()


def _native_writer(tensorrt: ModuleType, sink: Sink) -> Any:  # noqa: ANN401
    if not hasattr(tensorrt, "IStreamWriter"):
        return None

    class NativeWriter(tensorrt.IStreamWriter):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            tensorrt.IStreamWriter.__init__(self)

        def write(self, data: Any) -> int:  # noqa: ANN401
            return sink.take(data)

    return NativeWriter()


def native_monitor(tensorrt: ModuleType, watch: Watch) -> Any:  # noqa: ANN401
    """Return what tells the watch of each phase, or nothing where the library has no such thing."""
    if not hasattr(tensorrt, "IProgressMonitor"):
        return None

    class NativeMonitor(tensorrt.IProgressMonitor):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            tensorrt.IProgressMonitor.__init__(self)
            self._depths: dict[str | None, int] = {None: 0}
            self._steps: dict[str, int] = {}

        def phase_start(self, name: str, parent: str | None, steps: int) -> None:
            self._depths[name] = self._depths.get(parent, _DEPTH_MAX) + 1
            self._steps[name] = steps
            self._tell(name, 0)

        def step_complete(self, name: str, step: int) -> bool:
            self._tell(name, step + 1)
            return watch.goes_on()

        def phase_finish(self, name: str) -> None:
            pass

        def _tell(self, name: str, done: int) -> None:
            if self._depths[name] == _DEPTH_MAX and done < self._steps[name]:
                watch.tell(f"{name.lower()}, {done + 1} of {self._steps[name]}")

    return NativeMonitor()
