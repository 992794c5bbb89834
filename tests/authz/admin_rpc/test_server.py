"""Who gets in, with what, on a real server whose servicers are made up."""

import asyncio
import os
import stat
import tempfile
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import grpc
import pytest
from cryptography import x509
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from authz.domain.administration.actor import Role
from authz.rpc.admin.certificates import BadCertificateError, CertificateFiles, Certificates
from authz.rpc.admin.permissions import MAY_CALL
from authz.rpc.admin.server import MESSAGE_BYTES_MAX, ListenError, SecureAddress
from proto.tessera.admin.v1.tiers_pb2 import GetTierRequest, GetTierResponse
from tests.authz.admin_rpc.authority import Authority
from tests.authz.admin_rpc.client import METHODS, SERVICES, Client, details, empty_request
from tests.authz.admin_rpc.obliging import obliging_services
from tests.authz.admin_rpc.serving import Serving, serving

_OWNER = "spiffe://tessera/admin/owner/ada"


@pytest.fixture
async def server(authority: Authority) -> AsyncIterator[Serving]:
    """A server that answers whoever may call, with nothing."""
    async with serving(authority, obliging_services()) as running:
        yield running


async def _code_of(client: Client, method: str, content: bytes = b"") -> grpc.StatusCode:
    try:
        await client.send(method, content)
    except grpc.aio.AioRpcError as error:
        return error.code()
    finally:
        await client.close()
    return grpc.StatusCode.OK


@pytest.mark.parametrize("role", Role)
async def test_each_role_may_call_what_the_table_says_and_nothing_else(
    server: Serving, role: Role
) -> None:
    """Every method of every service, with a real certificate."""
    client = server.connect_as(role)
    answers = {method: await _answer(client, method) for method in METHODS}
    assert answers == {
        method: None if role in roles else f"Role {role} may not call {method}."
        for method, roles in MAY_CALL.items()
    }


async def _answer(client: Client, method: str) -> str | None:
    """Return what a call is refused with, if it is."""
    try:
        await client.send(method, empty_request(method))
    except grpc.aio.AioRpcError as error:
        return error.details()
    return None


@pytest.mark.parametrize(
    "uris",
    [(), (_OWNER, "spiffe://tessera/admin/support/ada"), ("spiffe://tessera/admin/king/ada",)],
    ids=["none", "two", "no such role"],
)
async def test_a_certificate_that_does_not_tell_who_calls_is_refused(
    server: Serving, uris: tuple[str, ...]
) -> None:
    """With a sentence about it; for reflection and health, too."""
    client = server.connect(server.authority.sign_client(*uris))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await client.call(GetTierRequest(), GetTierResponse)
    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert "certificate" in str(caught.value.details())
    assert "ErrorInfo" in details(caught.value)
    health = await _code_of(client, "/grpc.health.v1.Health/Check")
    assert health is grpc.StatusCode.UNAUTHENTICATED


async def test_strangers_do_not_get_as_far_as_a_call(server: Serving) -> None:
    """Signed by somebody else, expired, without a certificate, without TLS."""
    stranger, ours = Authority.make(), server.authority
    forged = stranger.sign([x509.UniformResourceIdentifier(_OWNER)])
    for client in (
        server.connect(grpc.ssl_channel_credentials(ours.pem, forged.key, forged.certificate)),
        server.connect(ours.sign_client(_OWNER, lasts=timedelta(hours=-1))),
        server.connect(grpc.ssl_channel_credentials(ours.pem)),
        Client(grpc.aio.insecure_channel(f"127.0.0.1:{server.port}")),
    ):
        assert await _code_of(client, "GetTier") is grpc.StatusCode.UNAVAILABLE


async def test_a_client_is_not_fooled_by_another_server(authority: Authority) -> None:
    """Who trusts one authority does not speak with a server that another one signed."""
    async with serving(Authority.make(), obliging_services()) as impostor:
        client = impostor.connect(authority.sign_client(_OWNER))
        assert await _code_of(client, "GetTier") is grpc.StatusCode.UNAVAILABLE


@pytest.mark.parametrize("method", ["GetTier", "VerifyAudit"])
async def test_bytes_that_are_no_message_are_the_callers_fault(
    server: Serving, method: str
) -> None:
    """Not ours."""
    code = await _code_of(server.connect_locally(), method, b"\xff\xff\xff")
    assert code is grpc.StatusCode.INVALID_ARGUMENT


async def test_a_request_of_5_mb_is_refused_before_it_is_read(server: Serving) -> None:
    """And the next caller is answered."""
    large = GetTierRequest(name="x" * 5_000_000).SerializeToString()
    code = await _code_of(server.connect_locally(), "GetTier", large)
    assert code is grpc.StatusCode.RESOURCE_EXHAUSTED
    small = GetTierRequest(name="x" * (MESSAGE_BYTES_MAX - 100)).SerializeToString()
    assert await _code_of(server.connect_locally(), "GetTier", small) is grpc.StatusCode.OK


async def test_what_there_is_not_is_said_to_be_missing(server: Serving) -> None:
    """Neither a method nor a service by another name."""
    for path in ("/tessera.admin.v1.TierService/DropTier", "/tessera.admin.v2.TierService/GetTier"):
        code = await _code_of(server.connect_locally(), path)
        assert code is grpc.StatusCode.UNIMPLEMENTED


async def test_health_is_told_for_the_whole_and_for_each_service(server: Serving) -> None:
    """Unhealthy until the database was seen; then healthy; to any role."""
    client = server.connect_as("leaks")
    stub = health_pb2_grpc.HealthStub(client.channel)
    names = ("", *(service.full_name for service in SERVICES))

    async def ask() -> set[int]:
        requests = (health_pb2.HealthCheckRequest(service=name) for name in names)
        return {(await stub.Check(request, timeout=20)).status for request in requests}

    assert await ask() == {health_pb2.HealthCheckResponse.NOT_SERVING}
    watching = asyncio.create_task(server.server.watch_health())
    async with asyncio.timeout(20):
        while await ask() != {health_pb2.HealthCheckResponse.SERVING}:
            pass
    watching.cancel()
    unknown = health_pb2.HealthCheckRequest(service="nobody")
    with pytest.raises(grpc.aio.AioRpcError, match="NOT_FOUND"):
        await stub.Check(unknown, timeout=20)


async def test_health_can_be_watched(server: Serving) -> None:
    """A stream that the gate does not write itself."""
    stub = health_pb2_grpc.HealthStub(server.connect_locally().channel)
    watch = stub.Watch(health_pb2.HealthCheckRequest(), timeout=20)
    assert (await watch.read()).status == health_pb2.HealthCheckResponse.NOT_SERVING
    watch.cancel()


async def test_reflection_lists_the_services_and_describes_them(server: Serving) -> None:
    """So that any gRPC tool can be used without our sources."""
    stub = reflection_pb2_grpc.ServerReflectionStub(server.connect_as("leaks").channel)
    symbol = "tessera.admin.v1.KeyService"
    answers = stub.ServerReflectionInfo(
        iter(
            [
                reflection_pb2.ServerReflectionRequest(list_services=""),
                reflection_pb2.ServerReflectionRequest(file_containing_symbol=symbol),
            ]
        ),
        timeout=20,
    )
    listed, described = [answer async for answer in answers]
    names = {service.name for service in listed.list_services_response.service}
    assert names == {
        *(service.full_name for service in SERVICES),
        "grpc.health.v1.Health",
        "grpc.reflection.v1alpha.ServerReflection",
    }
    files = [
        FileDescriptorProto.FromString(file)
        for file in described.file_descriptor_response.file_descriptor_proto
    ]
    assert "tessera/admin/v1/keys.proto" in {file.name for file in files}


async def test_the_socket_is_its_owners_alone(server: Serving) -> None:
    """From the moment it is there; in a folder that others can fill there is none."""
    assert stat.S_IMODE(server.socket.stat().st_mode) == 0o600
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o777)  # noqa: PTH101, S103 nothing waits for it
        with pytest.raises(ListenError, match="is open to others"):
            server.server.listen_on_socket(Path(folder, "admin.sock"))


async def test_a_port_that_is_taken_is_refused_with_a_sentence(server: Serving) -> None:
    """Two servers on one port would each answer some."""
    secure = SecureAddress(f"127.0.0.1:{server.port}", Certificates(server.files))
    with pytest.raises(ListenError, match="impossible to listen on 127"):
        server.server.listen_on_address(secure)


async def test_a_new_certificate_is_shown_without_a_restart(server: Serving) -> None:
    """By whoever signed it: the authority can be another, too."""
    successor = Authority.make()
    before = server.connect(server.authority.sign_client(_OWNER))
    assert await _code_of(before, "GetTier") is grpc.StatusCode.OK
    successor.write_server_files(server.files.certificate.parent)
    after = server.connect(successor.sign_client(_OWNER))
    assert await _code_of(after, "GetTier") is grpc.StatusCode.OK
    late = server.connect(server.authority.sign_client(_OWNER))
    assert await _code_of(late, "GetTier") is grpc.StatusCode.UNAVAILABLE


@pytest.mark.parametrize("harm", ["half", "nonsense", "gone"])
async def test_files_that_cannot_be_used_are_not(server: Serving, harm: str) -> None:
    """What was good is shown on, until all is."""
    match harm:
        case "half":
            server.files.certificate.write_bytes(server.authority.sign_server().certificate)
        case "nonsense":
            server.files.client_ca.write_text("nonsense")
        case _:
            server.files.key.unlink()
    client = server.connect(server.authority.sign_client(_OWNER))
    assert await _code_of(client, "GetTier") is grpc.StatusCode.OK


def test_at_the_start_bad_files_are_refused(authority: Authority, tmp_path: Path) -> None:
    """In a sentence that names them and shows nothing of what they hold."""
    files = authority.write_server_files(tmp_path)
    files.key.write_bytes(authority.sign_server().key)
    with pytest.raises(BadCertificateError, match="is not the key of"):
        Certificates(files)
    files.key.write_text("private")
    with pytest.raises(BadCertificateError, match="is no PEM file of its kind") as caught:
        Certificates(files)
    assert "private" not in str(caught.value)
    missing = CertificateFiles(files.certificate, tmp_path / "none", files.client_ca)
    with pytest.raises(FileNotFoundError):
        Certificates(missing)
