"""The local model's tokenizer, read once."""

from pathlib import Path

import pytest

from contract.tokens import RequestTokenizer
from tests.contract.model_folder import write_model_folder


@pytest.fixture(scope="session")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> RequestTokenizer:
    """The tokenizer of the local model."""
    folder: Path = write_model_folder(tmp_path_factory.mktemp("model"))
    return RequestTokenizer.read(folder)
