"""Checkpoints to build repositories from."""

from pathlib import Path

import pytest

from tests.inference.model.qwen3_checkpoint import write_qwen3


@pytest.fixture(scope="session")
def qwen3(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small Qwen3 in three shards of bfloat16."""
    return write_qwen3(tmp_path_factory.mktemp("qwen3") / "Tiny", dtype="BF16", shards=3)
