"""A journal in a folder of the test's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.authz.usage.making import Kept


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    """An empty journal, by a clock that stands still."""
    kept = Kept(tmp_path / "usage")
    yield kept
    kept.file.close()
