"""Tessera's own processes on one machine, and the steps before them."""

import sys
from collections.abc import Mapping
from typing import Final

from stack import parts, probe
from stack.layout import Layout
from stack.process import Command, Process, Step

DATA_ROLE: Final = "tessera_authz"
ADMIN_ROLE: Final = "tessera_control"

_SECONDS_TO_FINISH: Final = 2


def prepare_model(layout: Layout) -> Step:
    """Describe how the model repository is built, where it is ours and has changed, or checked."""
    if layout.repository is None:
        checkpoint = parts.checkpoint_folder()
        argv = _module("inference", "build", f"--checkpoint={checkpoint}", f"--out={layout.models}")
    else:
        argv = _module("inference", "model", "verify", "--quick", str(layout.repository))
    return Step("model", Command(argv), layout.log("model"))


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
        answers=probe.any_http_on_socket(layout.socket("adapter"), "/healthz"),
        log=layout.log("adapter"),
        after=after,
        stop_seconds=_SECONDS_TO_FINISH + 0.5,
    )


def migrate(layout: Layout, database_url: str, after: tuple[str, ...]) -> Step:
    """Describe how the database gets its schema, and the roles that log in."""
    logins = (f"--login=data={DATA_ROLE}", f"--login=admin={ADMIN_ROLE}")
    argv = _module("authz", "migrate", *logins)
    command = Command(argv, _authz_settings(layout, database_url))
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
        "AUTHZ_USAGE_JOURNAL": str(layout.usage / name),
        "AUTHZ_FAILURES_FILE": str(layout.failures),
        "AUTHZ_PROCESS_NAME": name,
    }
    return Process(
        name=name,
        command=Command(_module("authz", "serve"), {**settings, **environment}),
        ready=probe.grpc_health(layout.socket(name)),
        answers=probe.any_grpc_health(layout.socket(name)),
        log=layout.log(name),
        after=after,
        stop_seconds=_SECONDS_TO_FINISH + 0.5,
    )


def report(
    layout: Layout, database_url: str, environment: Mapping[str, str], after: tuple[str, ...]
) -> Process:
    """Describe the process that tells accounts their usage."""
    settings = {
        "AUTHZ_DATABASE_URL": database_url,
        "AUTHZ_REPORT_SOCKET": str(layout.socket("report")),
        "AUTHZ_REPORT_STOP_SECONDS": str(_SECONDS_TO_FINISH),
    }
    return Process(
        name="report",
        command=Command(_module("authz", "report"), {**settings, **environment}),
        ready=probe.http_on_socket(layout.socket("report"), "/healthz"),
        answers=probe.any_http_on_socket(layout.socket("report"), "/healthz"),
        log=layout.log("report"),
        after=after,
        stop_seconds=_SECONDS_TO_FINISH + 0.5,
    )


def admin(
    layout: Layout,
    database_url: str,
    base_url: str,
    environment: Mapping[str, str],
    after: tuple[str, ...],
) -> Process:
    """Describe the process that answers whoever administers accounts and keys."""
    settings = {
        **_authz_settings(layout, database_url),
        "AUTHZ_ADMIN_SOCKET": str(layout.socket("admin")),
        "AUTHZ_ADMIN_STOP_SECONDS": str(_SECONDS_TO_FINISH),
        "AUTHZ_METRICS_SOCKET": str(layout.socket("admin.metrics")),
        "AUTHZ_AUDIT_HEAD_FILE": str(layout.audit_head),
        "AUTHZ_MAIL_OUTBOX": str(layout.outbox),
        "AUTHZ_MAIL_FROM": "keys@tessera.localhost",
        "AUTHZ_MAIL_SUPPORT": "support@tessera.localhost",
        "AUTHZ_PUBLIC_BASE_URL": base_url,
        "GRPC_VERBOSITY": "ERROR",  # its C core would write plain lines among the JSON
    }
    return Process(
        name="admin",
        command=Command(_module("authz", "admin"), {**settings, **environment}),
        ready=probe.grpc_health(layout.socket("admin")),
        answers=probe.any_grpc_health(layout.socket("admin")),
        log=layout.log("admin"),
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
