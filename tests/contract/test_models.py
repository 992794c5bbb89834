"""A model's card, on its way through a folder."""

from pathlib import Path

import pytest

from contract.models import ModelCard
from tests.contract.model_folder import CARD


def test_a_card_is_read_as_it_was_written(tmp_path: Path) -> None:
    """Whoever reads the folder sees what the model's builder wrote."""
    CARD.write(tmp_path)
    assert ModelCard.read(tmp_path) == CARD


@pytest.mark.parametrize("text", ["", "[]", "{}", "5", '{"id":"m","aliases":null}'])
def test_what_is_no_card_is_a_value_error_that_names_the_file(tmp_path: Path, text: str) -> None:
    """A process that starts on a broken folder can say what is broken."""
    (tmp_path / "card.json").write_text(text)
    with pytest.raises(ValueError, match=r"card\.json"):
        ModelCard.read(tmp_path)


def test_a_missing_card_is_an_os_error(tmp_path: Path) -> None:
    """An empty folder is told apart from a broken one."""
    with pytest.raises(FileNotFoundError):
        ModelCard.read(tmp_path)
