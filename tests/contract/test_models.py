"""A model's card, on its way through a folder."""

import json
from pathlib import Path

import pytest

from contract.models import ModelCard
from tests.contract.model_folder import CARD
from tests.contract.qwen_like import CARD as QWEN


def test_a_card_is_read_as_it_was_written(tmp_path: Path) -> None:
    """Whoever reads the folder sees what the model's builder wrote."""
    CARD.write(tmp_path)
    assert ModelCard.read(tmp_path) == CARD


def test_a_card_with_a_prompt_is_read_as_it_was_written(tmp_path: Path) -> None:
    """With its line break."""
    QWEN.write(tmp_path)
    assert ModelCard.read(tmp_path) == QWEN


def test_an_older_card_is_one_of_a_model_without_a_prompt(tmp_path: Path) -> None:
    """A folder that was built before there were prompts is still served."""
    fields = json.loads(CARD.dump())
    del fields["query_prompt"], fields["default_task"]
    (tmp_path / "card.json").write_text(json.dumps(fields))
    assert ModelCard.read(tmp_path) == CARD


@pytest.mark.parametrize(
    "changes",
    [
        {"default_task": None},
        {"query_prompt": None},
        {"query_prompt": "query: {query}"},
        {"query_prompt": "{task}"},
        {"query_prompt": "{task} {task} {query}"},
        {"query_prompt": "{query} {task}"},
        {"query_prompt": "{task} {query}."},
        {"query_prompt": "{task} {other} {query}"},
    ],
)
def test_a_prompt_that_cannot_be_used_is_no_card(
    tmp_path: Path, changes: dict[str, str | None]
) -> None:
    """It is found out when a process starts, and not by the first query."""
    (tmp_path / "card.json").write_text(json.dumps(json.loads(QWEN.dump()) | changes))
    with pytest.raises(ValueError, match=r"card\.json is not a model card: a query prompt"):
        ModelCard.read(tmp_path)


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
