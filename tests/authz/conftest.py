"""A migrated database per test, and the parts that most tests of authz need."""

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from authz.domain.pepper import Pepper
from contract.tokens import RequestTokenizer


@pytest.fixture(scope="session")
def pepper() -> Pepper:
    """The pepper of every test."""
    return Pepper.parse("5e" * 32)


@pytest.fixture(scope="session")
def tokenizer(model_folder: Path) -> RequestTokenizer:
    """The local model's tokenizer, read once."""
    return RequestTokenizer.read(model_folder)


@pytest.fixture
async def connection(migrated_url: str) -> AsyncIterator[asyncpg.Connection]:
    """One connection to that database."""
    connection = await asyncpg.connect(migrated_url)
    yield connection
    connection.terminate()
