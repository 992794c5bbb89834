"""Limits of one request that hold for every tier and model."""

from typing import Final

ITEMS_MAX: Final = 2048
"""Inputs in one request; OpenAI's own limit."""

REQUEST_TOKENS_MAX: Final = 300_000
"""Tokens summed over one request's inputs; OpenAI's own limit."""

INSTRUCTION_CHARACTERS_MAX: Final = 4096
"""Characters of a query's instruction, which goes before every item: many times what tasks need."""

BODY_BYTES_MAX: Final = 8 * 2**20
"""Bytes of a request's body, held in memory by Envoy while authz counts its tokens."""
