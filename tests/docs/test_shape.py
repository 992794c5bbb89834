"""What every page of a kind has, and what no file may say."""

import re
from typing import Final

import pytest

from tests.docs.pages import PAGES, README, ROOT, files

_DECISIONS: Final = [page for page in PAGES if page.startswith("docs/decisions/")]
_REGISTRIES: Final = re.compile(
    r"pypi[.]org|pythonhosted[.]org|npmjs[.](?:org|com)|yarnpkg[.]com|mirror[\w-]*[.]\w+[.]\w+"
)
_MACHINES_PATH: Final = re.compile(r"(?<![\w./*-])/(?:home|root|Users|work|mnt)/\w")


def test_every_folder_is_in_the_table_and_the_other_way_round() -> None:
    """A newcomer finds each folder explained, and none that is not there."""
    explained = re.findall(r"`(\w+)/`", "".join(re.findall(r"^\| (`.*?) \|", README, re.MULTILINE)))
    hidden_or_made = {"build", *(path.name for path in ROOT.glob("*.egg-info"))}
    there = {path.name for path in ROOT.iterdir() if path.is_dir() and path.name[0] != "."}
    assert set(explained) == there - hidden_or_made
    assert len(explained) == len(set(explained))


@pytest.mark.parametrize("page", _DECISIONS)
def test_a_decision_says_what_was_chosen_and_why(page: str) -> None:
    """Its reader learns both, once, and the pages are numbered without a gap."""
    assert PAGES[page].startswith("# ")
    assert PAGES[page].count("\n**Choice.** ") == 1
    assert PAGES[page].count("\n**Why.** ") == 1


def test_decisions_are_numbered_without_a_gap() -> None:
    """Two branches that both took the next number are noticed."""
    numbers = [int(page.removeprefix("docs/decisions/")[:4]) for page in _DECISIONS]
    assert numbers == list(range(1, len(numbers) + 1))


def test_the_changelog_has_a_place_for_what_is_next() -> None:
    """Keep a Changelog's first section."""
    assert re.findall(r"^## (.*)$", PAGES["CHANGELOG.md"], re.MULTILINE)[0] == "Unreleased"


def test_no_file_names_a_registry_or_a_path_of_a_machine() -> None:
    """A clone installs from whatever registry its machine is set up for, wherever it lies."""
    found = []
    for file in files():
        try:
            text = file.read_text()
        except (UnicodeDecodeError, OSError):  # binary, or somebody's pipe
            continue
        found += [
            f"{file.relative_to(ROOT)}: {match[0]}"
            for pattern in (_REGISTRIES, _MACHINES_PATH)
            for match in pattern.finditer(text)
        ]
    assert found == []
