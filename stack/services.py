"""Tessera's own processes on one machine: authz and the adapter, and the steps before them."""

import sys
from collections.abc import Mapping

from stack import parts, probe
from stack.layout import Layout
from stack.process import Command, Process, Step

_SECONDS_TO_FINISH = 2


def build_model(layout: Layout) -> Step:
    """Describe how the model repository is built; it ends at once where it is up to date."""
    arguments = ("build", f"--checkpoint={parts.checkpoint_folder()}", f"--out={layout.models}")
    return Step("model", Command(_module("inference", *arguments)), layout.log("model"))


def adapter(
    layout: Layout, triton_address: str, environment: Mapping[str, str], after: tuple[str, ...]
) -> Process:
    """Describe the server of the public API behind Envoy."""
    settings = {
        "ADAPTER_SOCKET": str(layout.socket("adapter")),
        "ADAPTER_TRITON_ADDRESS": triton_address,
        "ADAPTER_MODEL_FOLDER": str(layout.card),
        "ADAPTER_SHUTDOWN_TIMEOUT_SECONDS": str(_SECONDS_TO_FINISH),
        "GRPC_VERBOSITY": "ERROR",  # its C core would write plain lines among the JSON
    }
    return Process(
        name="adapter",
        command=Command(_module("inference", "serve"), {**settings, **environment}),
        ready=probe.http_on_socket(layout.socket("adapter"), "/readyz"),
        log=layout.log("adapter"),
        after=after,
        stop_seconds=_SECONDS_TO_FINISH + 0.5,
    )


def migrate(layout: Layout, database_url: str, after: tuple[str, ...]) -> Step:
    """Describe how the database gets its schema."""
    command = Command(_module("authz", "migrate"), _authz_settings(layout, database_url))
    return Step("migrate", command, layout.log("migrate"), after)


def seed_demo(layout: Layout, database_url: str, after: tuple[str, ...]) -> Step:
    """Describe how the demo account gets its key."""
    argv = _module("authz", "seed-demo", f"--out={layout.key}")
    command = Command(argv, _authz_settings(layout, database_url))
    return Step("demo-key", command, layout.log("demo-key"), after)


def authz(
    layout: Layout,
    name: str,
    database_url: str,
    environment: Mapping[str, str],
    after: tuple[str, ...],
) -> Process:
    """Describe one of the processes that decide who may call, and how much."""
    settings = {
        **_authz_settings(layout, database_url),
        "AUTHZ_SOCKET": str(layout.socket(name)),
        "AUTHZ_METRICS_SOCKET": str(layout.socket(f"{name}.metrics")),
        "AUTHZ_SNAPSHOT_FILE": str(layout.snapshots / name),
    }
    return Process(
        name=name,
        command=Command(_module("authz", "serve"), {**settings, **environment}),
        ready=probe.grpc_health(layout.socket(name)),
        log=layout.log(name),
        after=after,
        stop_seconds=_SECONDS_TO_FINISH + 0.5,
    )


def _authz_settings(layout: Layout, database_url: str) -> dict[str, str]:
    return {
        "AUTHZ_DATABASE_URL": database_url,
        "AUTHZ_MODEL_FOLDER": str(layout.card),
        "AUTHZ_PEPPER_FILE": str(layout.pepper),
    }


def _module(name: str, *arguments: str) -> tuple[str, ...]:
    # -P: a folder of that name where the caller happens to stand is not ours.
    return (sys.executable, "-P", "-m", name, *arguments)
