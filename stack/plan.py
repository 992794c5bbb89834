"""What a stack consists of: every process and step, and what each needs first."""

from collections.abc import Mapping
from dataclasses import replace

from stack import envoy, postgres, services, triton
from stack.layout import Layout
from stack.options import Options
from stack.ports import base_url, free_ports
from stack.postgres import Postgres
from stack.process import Step, Unit
from stack.triton import Triton

_DATABASE = "postgres"


def plan(layout: Layout, options: Options) -> tuple[Unit, ...]:
    """Return the units of a stack whose public port is `options.port`."""
    layout = replace(layout, repository=options.model)
    return (
        *_database(layout, options),
        *_inference(layout, options),
        *_edge(layout, options),
    )


def database_url(layout: Layout) -> str:
    """Return the connection string of a stack's database, as its owner."""
    return _postgres(layout).url(_DATABASE)


def _database(layout: Layout, options: Options) -> tuple[Unit, ...]:
    server = _postgres(layout)
    control_url = server.url(_DATABASE, services.ADMIN_ROLE)
    initialisation = postgres.initialisation(server, layout.log("initdb"))
    steps = () if initialisation is None else (initialisation,)
    return (
        *steps,
        postgres.describe(server, layout.log("postgres"), after=tuple(step.name for step in steps)),
        services.migrate(layout, database_url(layout), after=("postgres",)),
        services.seed_demo(layout, control_url, after=("migrate",)),
        services.admin(
            layout,
            control_url,
            base_url(options.port),
            _extra(options, "admin"),
            after=("postgres", "migrate"),
        ),
    )


def _inference(layout: Layout, options: Options) -> tuple[Unit, ...]:
    server = _triton(layout)
    triton.assemble_backends(server)
    triton.remove_shared_memory(layout.backends)
    return (
        services.prepare_model(layout),
        triton.describe(server, layout.log("triton"), after=("model",)),
        services.adapter(
            layout, server.address, _extra(options, "adapter"), after=("model", "triton")
        ),
    )


def _edge(layout: Layout, options: Options) -> tuple[Unit, ...]:
    names = tuple(f"authz-{number}" for number in range(1, options.authz + 1))
    url = _postgres(layout).url(_DATABASE, services.DATA_ROLE)
    # While the database is away each grants its share of every limit.
    extra = {"AUTHZ_PROCESSES": str(options.authz), **_extra(options, "authz")}
    needs = ("postgres", "migrate", "model")
    steps = _only(envoy.render(layout, options.port, names))
    before = (*_names(steps), "adapter", "report", "demo-key", *names)
    return (
        *(services.authz(layout, name, url, extra, after=needs) for name in names),
        services.report(layout, url, _extra(options, "report"), after=("postgres", "migrate")),
        *steps,
        envoy.describe(layout, options.port, after=before),
    )


def _postgres(layout: Layout) -> Postgres:
    return Postgres(data=layout.database, sockets=layout.run)


def _triton(layout: Layout) -> Triton:
    grpc_port, http_port, metrics_port = free_ports(3)
    return Triton(
        repository=layout.models / "triton",
        backends=layout.backends,
        grpc_port=grpc_port,
        http_port=http_port,
        metrics_port=metrics_port,
    )


def _only(step: Step | None) -> tuple[Step, ...]:
    return () if step is None else (step,)


def _names(steps: tuple[Step, ...]) -> tuple[str, ...]:
    return tuple(step.name for step in steps)


def _extra(options: Options, name: str) -> Mapping[str, str]:
    return options.environment.get(name, {})
