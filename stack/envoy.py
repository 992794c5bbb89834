"""Envoy, the only part that listens on a public port.

Run as a program it renders the bootstrap, in a process of its own because the typed configuration
takes a second to import and much memory, which the supervisor would keep.
"""

import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path

from stack import parts, probe
from stack.layout import Layout, locate
from stack.ports import LOOPBACK
from stack.process import Command, Process, Step


def render(layout: Layout, port: int, authz: Sequence[str]) -> Step | None:
    """Describe how the bootstrap is written, or return None where it is up to date."""
    arguments = (str(layout.state), str(port), *authz)
    origin = _origin(arguments)
    if _first_line(layout.bootstrap) == origin:
        return None
    argv = (sys.executable, "-P", "-m", "stack.envoy", origin, *arguments)
    return Step("bootstrap", Command(argv), layout.log("bootstrap"))


def describe(layout: Layout, port: int, after: tuple[str, ...]) -> Process:
    """Describe the gateway over a rendered bootstrap."""
    argv = (
        parts.envoy_program(),
        *("--config-path", str(layout.bootstrap)),
        *("--concurrency", "2"),
        *("--log-level", "warn"),
        # Of the access log and of failures, which are refunded sooner than they count as spent.
        *("--file-flush-interval-msec", "250"),
        "--disable-hot-restart",  # it would claim shared memory that two stacks would fight over
    )
    return Process(
        name="envoy",
        command=Command(argv),
        ready=probe.http_on_port(port, "/healthz"),
        answers=probe.any_http_on_port(port, "/healthz"),
        log=layout.log("envoy"),
        after=after,
        stop_seconds=2,
    )


def main() -> None:
    """Write the bootstrap of the stack on a state folder."""
    from edge.bootstrap import render_local  # noqa: PLC0415 - only the rendering process pays
    from edge.deployment import TcpAddress, UnixSocket  # noqa: PLC0415

    origin, state, port, *authz = sys.argv[1:]
    layout = locate(Path(state))
    bootstrap = render_local(
        public=TcpAddress(LOOPBACK, int(port)),
        authz=tuple(UnixSocket(str(layout.socket(name))) for name in authz),
        adapter=UnixSocket(str(layout.socket("adapter"))),
        usage=UnixSocket(str(layout.socket("report"))),
        admin=UnixSocket(str(layout.socket("envoy-admin"))),
        observability=UnixSocket(str(layout.socket("envoy"))),
        failures=str(layout.failures),
    )
    unfinished = layout.bootstrap.with_suffix(".new")
    unfinished.write_text(f"{origin}\n{bootstrap}")
    unfinished.rename(layout.bootstrap)


def _origin(arguments: Sequence[str]) -> str:
    """Return the line that marks a bootstrap rendered from these arguments by this code."""
    digest = hashlib.sha256("\0".join(arguments).encode())
    root = Path(__file__).parents[1]
    for folder in ("contract", "edge"):
        for source in sorted((root / folder).glob("*.py")):
            digest.update(source.read_bytes())
    return f"# {digest.hexdigest()}"


def _first_line(file: Path) -> str | None:
    try:
        with file.open() as lines:
            return lines.readline().rstrip("\n")
    except OSError:
        return None


if __name__ == "__main__":
    main()
