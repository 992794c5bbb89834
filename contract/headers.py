"""Names of the headers that Tessera's own parts agree on."""

from typing import Final

INTERNAL_PREFIX: Final = "x-tessera-"
"""Envoy strips every header with this prefix from what a client sends."""

ACCOUNT: Final = "x-tessera-account"
KEY: Final = "x-tessera-key"
TOKENS: Final = "x-tessera-tokens"
"""Tokens that authz charged for this request; the adapter's usage must equal it."""

CLIENT_ADDRESS: Final = "x-tessera-client-address"
"""Where a request comes from, as Envoy knows it; for authz alone."""

KEY_EXPIRES: Final = "x-tessera-key-expires"
"""On responses: when the key that was used will end, if that is soon."""

REQUEST_ID: Final = "x-request-id"
PROCESSING_MS: Final = "openai-processing-ms"

RATE_LIMIT_REQUESTS: Final = "x-ratelimit-limit-requests"
RATE_REMAINING_REQUESTS: Final = "x-ratelimit-remaining-requests"
RATE_RESET_REQUESTS: Final = "x-ratelimit-reset-requests"
