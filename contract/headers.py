"""Names of the headers that Tessera's own parts agree on."""

from typing import Final

INTERNAL_PREFIX: Final = "x-tessera-"
"""Envoy strips every header with this prefix from what a client sends."""

ACCOUNT: Final = "x-tessera-account"
KEY: Final = "x-tessera-key"
TOKENS: Final = "x-tessera-tokens"
"""Tokens that authz charged for this request; the adapter's usage must equal it."""
REMAINING_REQUESTS: Final = "x-tessera-remaining-requests"
REMAINING_TOKENS: Final = "x-tessera-remaining-tokens"
REMAINING_MONTH: Final = "x-tessera-remaining-month"
"""What is left of the limits, for an adapter that is asked for it."""
MINUTE: Final = "x-tessera-minute"
"""The minute, counted since 1970, to which authz charged it; logged, so that counts of the same
minute can be compared."""
SERVED_TOKENS: Final = "x-tessera-served-tokens"
"""On responses of the adapter: the tokens of the vectors that it answers with. Envoy keeps it for
the access log, in metadata of this name, and no client sees it."""
METADATA: Final = "tessera"
"""The namespace of that metadata."""

CLIENT_ADDRESS: Final = "x-tessera-client-address"
"""Where a request comes from, as Envoy knows it; for authz alone."""

KEY_EXPIRES: Final = "x-tessera-key-expires"
"""On responses: when the key that was used will end, if that is soon."""

REQUEST_ID: Final = "x-request-id"
RETRY_COUNT: Final = "x-stainless-retry-count"
"""How often the SDKs have tried before."""
PROCESSING_MS: Final = "openai-processing-ms"
MODEL_FINGERPRINT: Final = "tessera-model-fingerprint"
"""On responses: names the checkpoint, tokenizer, pooling, precision and engine, all in one."""

RATE_LIMIT_REQUESTS: Final = "x-ratelimit-limit-requests"
RATE_REMAINING_REQUESTS: Final = "x-ratelimit-remaining-requests"
RATE_RESET_REQUESTS: Final = "x-ratelimit-reset-requests"
RATE_LIMIT_TOKENS: Final = "x-ratelimit-limit-tokens"
RATE_REMAINING_TOKENS: Final = "x-ratelimit-remaining-tokens"
RATE_RESET_TOKENS: Final = "x-ratelimit-reset-tokens"
