"""The rendered files: current, accepted by the real binary, and hardened."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from edge.deployment import UnixSocket
from edge.rendered import rendered_files
from stack.parts import envoy_program

_NODES = ("local.yaml", "kubernetes.yaml", "kubernetes-tls.yaml")


@pytest.fixture(scope="module")
def rendered() -> dict[str, str]:
    """Every file's text."""
    return rendered_files()


def test_the_committed_files_are_what_the_code_renders(rendered: dict[str, str]) -> None:
    """Nobody runs what nobody has read."""
    folder = Path(__file__).parents[2] / "envoy"
    assert {path.name: path.read_text() for path in folder.glob("*.yaml")} == rendered


def test_rendering_is_deterministic(rendered: dict[str, str]) -> None:
    """The same code gives the same bytes."""
    assert rendered_files() == rendered


@pytest.mark.parametrize("name", _NODES)
def test_envoy_accepts_it_without_a_warning(
    rendered: dict[str, str], name: str, tmp_path: Path
) -> None:
    """Nothing unknown, nothing deprecated."""
    (tmp_path / "tls-secret.yaml").write_text(rendered["tls-secret.yaml"])
    text = rendered[name].replace("/etc/envoy", str(tmp_path))
    text = text.replace("/etc/tessera/tls", str(tmp_path))
    for file in ("/run/tessera/failures.jsonl", ".tessera/failures.jsonl"):
        text = text.replace(file, str(tmp_path / "failures.jsonl"))
    path = tmp_path / name
    path.write_text(text)
    ran = subprocess.run(
        [envoy_program(), "--mode", "validate", "--log-level", "warn", "-c", str(path)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.parametrize("name", _NODES)
def test_the_public_listener_is_hardened(rendered: dict[str, str], name: str) -> None:
    """Each setting that a default would leave open."""
    manager = _manager(yaml.safe_load(rendered[name]))
    expected = {
        "use_remote_address": True,
        "normalize_path": True,
        "merge_slashes": True,
        "path_with_escaped_slashes_action": "UNESCAPE_AND_FORWARD",
        "max_request_headers_kb": 32,
        "request_headers_timeout": "10s",
        "request_timeout": "60s",
        "stream_idle_timeout": "65s",
        "server_name": "tessera",
        "generate_request_id": False,
        "internal_address_config": {
            "cidr_ranges": [{"address_prefix": "0.0.0.0", "prefix_len": 32}]  # noqa: S104
        },
    }
    assert {key: manager[key] for key in expected} == expected
    common, http2 = manager["common_http_protocol_options"], manager["http2_protocol_options"]
    assert common["headers_with_underscores_action"] == "REJECT_REQUEST"
    assert http2["max_concurrent_streams"] == 100
    assert http2["initial_stream_window_size"] == 2**16
    assert http2["initial_connection_window_size"] == 2**20


@pytest.mark.parametrize("name", _NODES)
def test_authz_cannot_be_gone_around(rendered: dict[str, str], name: str) -> None:
    """It fails closed, and no route that forwards turns it off."""
    manager = _manager(yaml.safe_load(rendered[name]))
    (filters,) = [
        each["typed_config"]
        for each in manager["http_filters"]
        if each["name"] == "envoy.filters.http.ext_authz"
    ]
    assert not {"failure_mode_allow", "clear_route_cache", "disabled"} & set(filters)
    assert filters["status_on_error"] == {"code": "ServiceUnavailable"}
    assert filters["grpc_service"]["timeout"] == "1s"
    for route in manager["route_config"]["virtual_hosts"][0]["routes"]:
        override = route["typed_per_filter_config"].get("envoy.filters.http.ext_authz", {})
        assert bool(override.get("disabled")) == ("route" not in route)


@pytest.mark.parametrize("name", _NODES)
def test_no_request_is_retried_that_may_have_been_served(
    rendered: dict[str, str], name: str
) -> None:
    """An embedding done twice costs twice."""
    conditions = {
        value for key, value in _fields(yaml.safe_load(rendered[name])) if key == "retry_on"
    }
    assert conditions == {"connect-failure,reset-before-request"}


@pytest.mark.parametrize("name", _NODES)
def test_admin_is_on_a_socket(rendered: dict[str, str], name: str) -> None:
    """It can stop Envoy."""
    assert "pipe" in yaml.safe_load(rendered[name])["admin"]["address"]


@pytest.mark.parametrize("name", _NODES)
def test_certificates_are_watched(rendered: dict[str, str], name: str) -> None:
    """A rotated certificate is read again; none is read only once."""
    bootstrap = yaml.safe_load(rendered[name])
    sources = [value for key, value in _fields(bootstrap) if key == "path_config_source"]
    assert bool(sources) == (name == "kubernetes-tls.yaml")
    assert all("watched_directory" in each for each in sources)
    assert "tls_certificates" not in dict(_fields(bootstrap))


def test_kubernetes_traces_and_finds_each_replica(rendered: dict[str, str]) -> None:
    """The tracer that makes spans ours, and DNS for a headless service."""
    bootstrap = yaml.safe_load(rendered["kubernetes.yaml"])
    provider = _manager(bootstrap)["tracing"]["provider"]
    assert provider["name"] == "envoy.tracers.opentelemetry"
    (adapter,) = [
        each for each in bootstrap["static_resources"]["clusters"] if each["name"] == "adapter"
    ]
    assert adapter["cluster_type"]["name"] == "envoy.clusters.dns"
    assert adapter["health_checks"][0]["http_health_check"] == {"path": "/readyz"}


def test_a_socket_path_that_the_kernel_refuses_is_refused_here() -> None:
    """Envoy would say so much less clearly."""
    with pytest.raises(ValueError, match="longer than 107 bytes"):
        UnixSocket("/" + "x" * 107)


def _manager(bootstrap: dict[str, Any]) -> dict[str, Any]:
    (public,) = [
        each for each in bootstrap["static_resources"]["listeners"] if each["name"] == "public"
    ]
    manager: dict[str, Any] = public["filter_chains"][0]["filters"][0]["typed_config"]
    return manager


def _fields(node: object) -> Iterator[tuple[str, Any]]:
    """Walk every field of a configuration."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield key, value
            yield from _fields(value)
    elif isinstance(node, list):
        for each in node:
            yield from _fields(each)
