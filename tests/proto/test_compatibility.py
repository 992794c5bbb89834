"""Our subset of Envoy's messages against the full definitions, encoded by another library."""

from datetime import timedelta

from envoy_data_plane.envoy.config.core import v3 as core
from envoy_data_plane.envoy.data.accesslog import v3 as data
from envoy_data_plane.envoy.service.accesslog import v3 as accesslog
from envoy_data_plane.envoy.service.auth import v3 as auth
from envoy_data_plane.envoy.type import v3 as types
from envoy_data_plane.google import rpc
from google.protobuf.message import Message

from proto.tessera.envoy.v1 import (
    access_log_pb2,
    access_log_service_pb2,
    ext_authz_pb2,
    ext_authz_service_pb2,
)


def test_a_check_of_envoys_is_read_field_by_field() -> None:
    """Method, path, headers and body arrive, and fields that are not ours do no harm."""
    theirs = auth.CheckRequest(
        attributes=auth.AttributeContext(
            source=auth.AttributeContextPeer(service="edge"),
            request=auth.AttributeContextRequest(
                http=auth.AttributeContextHttpRequest(
                    id="17",
                    method="POST",
                    headers={"authorization": "Bearer x", "content-length": "2"},
                    path="/v1/embeddings?x=1",
                    host="api",
                    raw_body=b"\x00\xff",
                )
            ),
            context_extensions={"a": "b"},
        )
    )
    http = ext_authz_pb2.CheckRequest.FromString(bytes(theirs)).attributes.request.http
    assert (http.method, http.path, http.raw_body) == ("POST", "/v1/embeddings?x=1", b"\x00\xff")
    assert dict(http.headers) == {"authorization": "Bearer x", "content-length": "2"}


def test_a_check_of_ours_means_the_same_to_envoy() -> None:
    """What the tests and benchmarks send instead of Envoy is what Envoy would send."""
    ours = ext_authz_pb2.CheckRequest()
    http = ours.attributes.request.http
    http.method, http.path, http.raw_body = "GET", "/v1/models", b"body"
    http.headers["authorization"] = "Bearer x"
    theirs = auth.CheckRequest().parse(ours.SerializeToString())
    assert theirs.attributes is not None
    assert theirs.attributes.request is not None
    assert theirs.attributes.request.http == auth.AttributeContextHttpRequest(
        method="GET", path="/v1/models", headers={"authorization": "Bearer x"}, raw_body=b"body"
    )


def _ours(name: str, value: str) -> ext_authz_pb2.HeaderValueOption:
    return ext_authz_pb2.HeaderValueOption(
        header=ext_authz_pb2.HeaderValue(key=name, value=value),
        append_action=ext_authz_pb2.HeaderValueOption.OVERWRITE_IF_EXISTS_OR_ADD,
    )


def _theirs(name: str, value: str) -> core.HeaderValueOption:
    return core.HeaderValueOption(
        header=core.HeaderValue(key=name, value=value),
        append_action=core.HeaderValueOptionHeaderAppendAction.OVERWRITE_IF_EXISTS_OR_ADD,
    )


def test_an_ok_of_ours_means_the_same_to_envoy() -> None:
    """Headers for upstream and for the client land in their own lists."""
    ours = ext_authz_pb2.CheckResponse(
        status=ext_authz_pb2.Status(code=0),
        ok_response=ext_authz_pb2.OkHttpResponse(
            headers=[_ours("x-tessera-tokens", "7")],
            response_headers_to_add=[_ours("x-ratelimit-limit-requests", "60")],
        ),
    )
    assert auth.CheckResponse().parse(ours.SerializeToString()) == auth.CheckResponse(
        status=rpc.Status(code=0),
        ok_response=auth.OkHttpResponse(
            headers=[_theirs("x-tessera-tokens", "7")],
            response_headers_to_add=[_theirs("x-ratelimit-limit-requests", "60")],
        ),
    )


def test_a_denial_of_ours_means_the_same_to_envoy() -> None:
    """Status, headers and body are where Envoy looks for them."""
    ours = ext_authz_pb2.CheckResponse(
        status=ext_authz_pb2.Status(code=7, message="no"),
        denied_response=ext_authz_pb2.DeniedHttpResponse(
            status=ext_authz_pb2.HttpStatus(code=429),
            headers=[_ours("retry-after", "1")],
            body='{"error":{}}',
        ),
    )
    assert auth.CheckResponse().parse(ours.SerializeToString()) == auth.CheckResponse(
        status=rpc.Status(code=7, message="no"),
        denied_response=auth.DeniedHttpResponse(
            status=types.HttpStatus(code=types.StatusCode(429)),
            headers=[_theirs("retry-after", "1")],
            body='{"error":{}}',
        ),
    )


def test_an_access_log_of_envoys_is_read_field_by_field() -> None:
    """Everything we count is where Envoy puts it."""
    theirs = accesslog.StreamAccessLogsMessage(
        identifier=accesslog.StreamAccessLogsMessageIdentifier(log_name="edge"),
        http_logs=accesslog.StreamAccessLogsMessageHttpAccessLogEntries(
            log_entry=[
                data.HttpAccessLogEntry(
                    common_properties=data.AccessLogCommon(
                        route_name="embeddings",
                        duration=timedelta(seconds=1, milliseconds=250),
                        response_flags=data.ResponseFlags(upstream_overflow=True),
                        upstream_cluster="adapter",
                    ),
                    request=data.HttpRequestProperties(
                        request_method=core.RequestMethod.POST,
                        path="/v1/embeddings",
                        request_id="req_1",
                        request_body_bytes=12,
                        request_headers={"x-tessera-account": "a"},
                    ),
                    response=data.HttpResponseProperties(
                        response_code=503, response_body_bytes=34, response_code_details="overflow"
                    ),
                )
            ]
        ),
    )
    message = access_log_pb2.StreamAccessLogsMessage.FromString(bytes(theirs))
    [entry] = message.http_logs.log_entry
    assert message.identifier.log_name == "edge"
    common, request, response = entry.common_properties, entry.request, entry.response
    assert common.route_name == "embeddings"
    assert common.duration.ToTimedelta() == timedelta(seconds=1.25)
    assert [field.name for field, _ in common.response_flags.ListFields()] == ["upstream_overflow"]
    assert (request.request_method, request.path) == (3, "/v1/embeddings")
    assert (request.request_id, request.request_body_bytes) == ("req_1", 12)
    assert dict(request.request_headers) == {"x-tessera-account": "a"}
    assert (response.response_code.value, response.response_body_bytes) == (503, 34)
    assert response.response_code_details == "overflow"


def _numbers(message: type[Message]) -> dict[str, int]:
    return {field.name: field.number for field in message.DESCRIPTOR.fields}


def _their_numbers(message: type) -> dict[str, int]:
    fields = message.__dataclass_fields__  # type: ignore[attr-defined]
    return {name: field.metadata["betterproto"].number for name, field in fields.items()}


def test_every_field_has_envoys_number() -> None:
    """No field of ours, used by a test or not, has a number of its own."""
    pairs: list[tuple[type[Message], type]] = [
        (ext_authz_pb2.CheckRequest, auth.CheckRequest),
        (ext_authz_pb2.AttributeContext, auth.AttributeContext),
        (ext_authz_pb2.AttributeContext.Request, auth.AttributeContextRequest),
        (ext_authz_pb2.AttributeContext.HttpRequest, auth.AttributeContextHttpRequest),
        (ext_authz_pb2.CheckResponse, auth.CheckResponse),
        (ext_authz_pb2.Status, rpc.Status),
        (ext_authz_pb2.OkHttpResponse, auth.OkHttpResponse),
        (ext_authz_pb2.DeniedHttpResponse, auth.DeniedHttpResponse),
        (ext_authz_pb2.HttpStatus, types.HttpStatus),
        (ext_authz_pb2.HeaderValueOption, core.HeaderValueOption),
        (ext_authz_pb2.HeaderValue, core.HeaderValue),
        (access_log_pb2.StreamAccessLogsMessage, accesslog.StreamAccessLogsMessage),
        (access_log_pb2.HttpAccessLogEntry, data.HttpAccessLogEntry),
        (access_log_pb2.AccessLogCommon, data.AccessLogCommon),
        (access_log_pb2.ResponseFlags, data.ResponseFlags),
        (access_log_pb2.HttpRequestProperties, data.HttpRequestProperties),
        (access_log_pb2.HttpResponseProperties, data.HttpResponseProperties),
        (access_log_pb2.Metadata, core.Metadata),
    ]
    for ours, theirs in pairs:
        numbers = _their_numbers(theirs)
        for name, number in _numbers(ours).items():
            assert (name, number) == (name, numbers[name]), theirs.__name__


def test_every_response_flag_is_known() -> None:
    """A new kind of failure would otherwise be counted as none."""
    ours = _numbers(access_log_pb2.ResponseFlags)
    assert ours == _their_numbers(data.ResponseFlags)


def test_services_have_the_names_that_envoy_calls() -> None:
    """A service's full name is part of the URL of every call."""
    check = ext_authz_service_pb2.DESCRIPTOR.services_by_name["Authorization"]
    logs = access_log_service_pb2.DESCRIPTOR.services_by_name["AccessLogService"]
    assert check.full_name == "envoy.service.auth.v3.Authorization"
    assert logs.full_name == "envoy.service.accesslog.v3.AccessLogService"
