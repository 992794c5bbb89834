"""The local model's tokenizer, read once."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from contract.tokens import RequestTokenizer
from tests.contract.model_folder import write_model_folder

# A busy machine is no failure, so no property is timed.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> RequestTokenizer:
    """The tokenizer of the local model."""
    folder: Path = write_model_folder(tmp_path_factory.mktemp("model"))
    return RequestTokenizer.read(folder)
