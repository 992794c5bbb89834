"""What the admin process can be told, and what makes no sense."""

from collections.abc import Mapping
from typing import Final

import pytest
from pydantic import ValidationError

from authz.settings import AdminSettings

_LEAST: Final = {
    "AUTHZ_DATABASE_URL": "postgresql:///x",
    "AUTHZ_PEPPER_FILE": "pepper",
    "AUTHZ_METRICS_SOCKET": "metrics.sock",
    "AUTHZ_AUDIT_HEAD_FILE": "head",
    "AUTHZ_MAIL_OUTBOX": "outbox",
    "AUTHZ_MAIL_FROM": "keys@example.com",
    "AUTHZ_MAIL_SUPPORT": "support@example.com",
    "AUTHZ_PUBLIC_BASE_URL": "https://api.example.com/v1",
    "AUTHZ_ADMIN_SOCKET": "admin.sock",
}
_TLS: Final = {
    "AUTHZ_ADMIN_TLS_CERTIFICATE": "tls.crt",
    "AUTHZ_ADMIN_TLS_KEY": "tls.key",
    "AUTHZ_ADMIN_TLS_CLIENT_CA": "ca.crt",
}
_OVER_TCP: Final = {"AUTHZ_ADMIN_ADDRESS": "0.0.0.0:9443"}


def _read(monkeypatch: pytest.MonkeyPatch, settings: Mapping[str, str]) -> AdminSettings:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    return AdminSettings()  # type: ignore[call-arg] # the environment gives the arguments


def _without(name: str) -> dict[str, str]:
    return {key: value for key, value in _LEAST.items() if key != name}


@pytest.mark.parametrize(
    "settings",
    [
        _LEAST,
        _LEAST | _OVER_TCP | _TLS,
        _without("AUTHZ_ADMIN_SOCKET") | _OVER_TCP | _TLS,
        _without("AUTHZ_ADMIN_SOCKET") | _TLS | {"AUTHZ_ADMIN_ADDRESS": "[::1]:9443"},
    ],
)
def test_a_socket_an_address_or_both_are_enough(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, str]
) -> None:
    """An address with its certificates."""
    _read(monkeypatch, settings)


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        (_without("AUTHZ_ADMIN_SOCKET"), "admin_address"),
        (_LEAST | _OVER_TCP, "admin_tls_certificate"),
        (_LEAST | _TLS, "admin_tls_certificate"),
        (_LEAST | _TLS | {"AUTHZ_ADMIN_ADDRESS": "localhost"}, "admin_address"),
        (_LEAST | _TLS | {"AUTHZ_ADMIN_ADDRESS": "0.0.0.0:99999"}, "admin_address"),
        (_LEAST | _TLS | {"AUTHZ_ADMIN_ADDRESS": "0.0.0.0:0"}, "admin_address"),
        (_without("AUTHZ_MAIL_OUTBOX"), "smtp_host"),
        (_LEAST | {"AUTHZ_CANARY_INTERVAL_SECONDS": "0"}, "canary_interval_seconds"),
    ],
)
def test_what_makes_no_sense_is_named(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], field: str
) -> None:
    """By the first setting that is wrong, without its value."""
    with pytest.raises(ValidationError) as caught:
        _read(monkeypatch, settings)
    assert caught.value.errors()[0]["loc"] == (field,)
    assert "99999" not in str(caught.value)
