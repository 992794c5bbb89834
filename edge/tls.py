"""TLS at the public listener, with certificates that are rotated under it."""

from envoy_data_plane.envoy.config.core.v3 import (
    ApiVersion,
    ConfigSource,
    DataSource,
    PathConfigSource,
    TransportSocket,
    WatchedDirectory,
)
from envoy_data_plane.envoy.extensions.transport_sockets.tls.v3 import (
    CommonTlsContext,
    DownstreamTlsContext,
    SdsSecretConfig,
    Secret,
    TlsCertificate,
    TlsParameters,
    TlsParametersTlsProtocol,
)
from envoy_data_plane.envoy.service.discovery.v3 import DiscoveryResponse

from edge.deployment import TlsSecret
from edge.messages import pack

_SECRET = "public"  # noqa: S105 the name of the secret, not the secret


def downstream_tls(secret: TlsSecret) -> TransportSocket:
    """Serve TLS 1.2 and later, HTTP/2 preferred."""
    source = ConfigSource(
        resource_api_version=ApiVersion.V3,
        path_config_source=PathConfigSource(
            path=secret.sds_file, watched_directory=WatchedDirectory(path=secret.watched_directory)
        ),
    )
    context = CommonTlsContext(
        alpn_protocols=["h2", "http/1.1"],
        tls_params=TlsParameters(tls_minimum_protocol_version=TlsParametersTlsProtocol.TLSv1_2),
        tls_certificate_sds_secret_configs=[SdsSecretConfig(name=_SECRET, sds_config=source)],
    )
    return TransportSocket(
        name="envoy.transport_sockets.tls",
        typed_config=pack(DownstreamTlsContext(common_tls_context=context)),
    )


def secret_resource(
    certificate: str, private_key: str, watched_directory: str
) -> DiscoveryResponse:
    """Return the content of a `TlsSecret.sds_file`: where the certificate and its key are."""
    files = TlsCertificate(
        certificate_chain=DataSource(filename=certificate),
        private_key=DataSource(filename=private_key),
        watched_directory=WatchedDirectory(path=watched_directory),
    )
    return DiscoveryResponse(resources=[pack(Secret(name=_SECRET, tls_certificate=files))])
