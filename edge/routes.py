"""What is served at which path, and what everything else is told."""

from typing import Final

from envoy_data_plane.envoy.config.route.v3 import (
    FilterConfig,
    RetryPolicy,
    RetryPolicyRetryBackOff,
    RetryPolicyRetryHostPredicate,
    Route,
    RouteAction,
    RouteConfiguration,
    RouteMatch,
    VirtualHost,
)
from envoy_data_plane.envoy.extensions.retry.host.previous_hosts.v3 import PreviousHostsPredicate
from envoy_data_plane.google.protobuf import Any

from contract import errors
from contract.headers import CLIENT_ADDRESS
from edge import authorization, clusters, health, matches, request_id
from edge.deployment import Deployment, Timeouts
from edge.matches import where
from edge.messages import pack, seconds
from edge.refusals import refusal, refusal_at_once, wrong_method

_SMALL_BODY_BYTES_MAX: Final = 256 * 1024


def route_configuration(deployment: Deployment) -> RouteConfiguration:
    """Return all routes; the first that matches answers, and the last matches anything."""
    everything = VirtualHost(
        name="everything",
        domains=["*"],
        routes=[*_beyond_reading(deployment), *_served(deployment), *_refused(deployment)],
        retry_policy=_retry_unsent(),
        # What only authz needs has done its work; the adapter has no use for it.
        request_headers_to_remove=["authorization", "cookie", CLIENT_ADDRESS],
    )
    return RouteConfiguration(name="public", virtual_hosts=[everything])


def _beyond_reading(deployment: Deployment) -> list[Route]:
    """Return the answer to bodies too large even to be read and thrown away."""
    huge = where(
        matches.ANYTHING, matches.content_length(deployment.capacity.refused_body_bytes_max + 1)
    )
    error = errors.body_too_large(deployment.capacity.body_bytes_max)
    return [refusal_at_once("body_huge", huge, error)]


def _served(deployment: Deployment) -> list[Route]:
    """Return what goes to authz and, when it agrees, on."""
    timeouts = deployment.timeouts
    models = where(matches.MODELS, matches.method("GET"), matches.well_formed_key())
    usage = where(matches.USAGE, matches.method("GET"), matches.well_formed_key())
    return [
        *_with_body("embeddings", matches.EMBEDDINGS, deployment),
        *_with_body("embeddings_count", matches.COUNT, deployment),
        _to_adapter("models", models, timeouts),
        _forward("usage", usage, clusters.USAGE, timeouts),
    ]


def _with_body(name: str, path: RouteMatch, deployment: Deployment) -> list[Route]:
    """Return the routes of one path whose bodies authz counts the tokens of."""
    capacity, timeouts = deployment.capacity, deployment.timeouts
    any_size = where(path, matches.method("POST"), matches.well_formed_key())
    too_large = where(any_size, matches.content_length(capacity.body_bytes_max + 1))
    small = where(any_size, matches.content_length(0, _SMALL_BODY_BYTES_MAX + 1))
    return [
        refusal(
            f"{name}_too_large",
            too_large,
            errors.body_too_large(capacity.body_bytes_max),
            capacity.refused_body_bytes_max,
        ),
        _to_adapter(name, small, timeouts),
        _to_adapter(f"{name}_large", any_size, timeouts, authorization.patience(timeouts)),
    ]


def _refused(deployment: Deployment) -> list[Route]:
    """Return the answers to everything else, none of which costs a call of authz."""
    read = deployment.capacity.refused_body_bytes_max
    no_key = where(matches.API, matches.no_bearer())
    bad_key = where(matches.API, matches.malformed_key())
    return [
        refusal("missing_api_key", no_key, errors.missing_api_key(), read),
        refusal("incorrect_api_key", bad_key, errors.incorrect_api_key(), read),
        wrong_method("embeddings_method", matches.EMBEDDINGS, "POST", read),
        wrong_method("embeddings_count_method", matches.COUNT, "POST", read),
        wrong_method("models_method", matches.MODELS, "GET", read),
        wrong_method("usage_method", matches.USAGE, "GET", read),
        refusal("unknown_url", matches.ANYTHING, errors.unknown_url(), read),
    ]


def _to_adapter(
    name: str, match: RouteMatch, timeouts: Timeouts, patience: Any | None = None
) -> Route:
    route = _forward(name, match, clusters.ADAPTER, timeouts)
    if patience is not None:
        route.typed_per_filter_config[authorization.FILTER] = patience
    return route


def _forward(name: str, match: RouteMatch, cluster: str, timeouts: Timeouts) -> Route:
    off = pack(FilterConfig(disabled=True))
    return Route(
        name=name,
        match=match,
        route=RouteAction(cluster=cluster, timeout=seconds(timeouts.upstream_seconds)),
        response_headers_to_add=[request_id.copied_to_response()],
        typed_per_filter_config={request_id.FILTER: off, health.FILTER: off},
    )


def _retry_unsent() -> RetryPolicy:
    """Try again only what no adapter has seen: an embedding done twice costs the GPU twice."""
    elsewhere = RetryPolicyRetryHostPredicate(
        name="envoy.retry_host_predicates.previous_hosts",
        typed_config=pack(PreviousHostsPredicate()),
    )
    return RetryPolicy(
        retry_on="connect-failure,reset-before-request",
        num_retries=2,
        retry_back_off=RetryPolicyRetryBackOff(
            base_interval=seconds(0.025), max_interval=seconds(0.25)
        ),
        retry_host_predicate=[elsewhere],
        host_selection_retry_max_attempts=3,
    )
