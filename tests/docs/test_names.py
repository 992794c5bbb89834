"""What a page names exists: targets, paths, commands, options, settings."""

import re
import shlex
import subprocess
import sys
from functools import cache
from typing import Final

import pytest
import typer
import typer.main

from authz.mail.settings import MailSettings
from authz.settings import AdminSettings, ReportSettings, ServeSettings
from cli.main import app
from inference.adapter.settings import AdapterSettings
from inference.command.app import app as model
from leaks.settings import LeaksSettings
from tests.docs.pages import MAKEFILE, PAGES, ROOT, commands, spans

_TARGETS: Final = set(re.findall(r"^([a-z]+):.*## ", MAKEFILE, re.MULTILINE))
_PATH: Final = re.compile(r"[\w.-]+/[\w./-]*")
_FILE: Final = re.compile(r".*\.(md|py|txt|toml|yaml|yml|sql|json)")

_OF_MODEL: Final = ("inspect", "compile", "verify")
"""What `tessera model` hands to another program."""

each_page = pytest.mark.parametrize("page", PAGES)


@each_page
def test_targets_exist(page: str) -> None:
    """Each `make X` is a target that `make` lists."""
    named = {
        target for code in commands(PAGES[page]) for target in re.findall(r"^make ([a-z]+)", code)
    }
    assert named - _TARGETS == set()


def test_every_target_is_listed_and_phony() -> None:
    """A file that happens to have a target's name changes nothing."""
    phony = re.findall(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)
    assert set(phony[0].split()) == _TARGETS


@each_page
def test_paths_exist(page: str) -> None:
    """Each path is one of this repository."""
    ours = {path.name for path in ROOT.iterdir()} - {".tessera"}
    named = {
        code
        for code in spans(PAGES[page])
        if _PATH.fullmatch(code) and (code.split("/")[0] in ours or _FILE.fullmatch(code))
    }
    assert {path for path in named if not (ROOT / path).exists()} == set()


@each_page
def test_links_lead_somewhere(page: str) -> None:
    """Each link to another page is good from where it stands."""
    targets = re.findall(r"\]\((?!https?:|#)([^)#]+)", PAGES[page])
    assert [
        target for target in targets if not (ROOT / page).parent.joinpath(target).exists()
    ] == []


@each_page
def test_subcommands_and_options_of_tessera_exist(page: str) -> None:
    """Each `tessera …` would be understood."""
    for code in commands(PAGES[page]):
        words = code.partition(" | ")[0].split()
        if words and words[0].removeprefix(".venv/bin/") == "tessera":
            _assert_understood(words[1:])


@each_page
def test_options_of_modules_exist(page: str) -> None:
    """Each `python -m …` that a page shows has what it is shown with in its help."""
    for code in commands(PAGES[page]):
        if not code.startswith("python -m "):
            continue
        words = shlex.split(code)[1:]
        options = {word.split("=")[0] for word in words if word.startswith("--")}
        command = tuple(word for word in words if word not in options)
        assert options - set(re.findall(r"--[a-z-]+", _help(command))) == set()


@each_page
def test_settings_exist(page: str) -> None:
    """Each environment variable is one that a process reads."""
    read = {
        (settings.model_config.get("env_prefix") or "") + field.upper()
        for settings in (
            *(ServeSettings, AdminSettings, ReportSettings, MailSettings),
            *(AdapterSettings, LeaksSettings),
        )
        for field in settings.model_fields
    }
    assert set(re.findall(r"\b(?:AUTHZ|ADAPTER|LEAKS)_[A-Z_]+", PAGES[page])) - read == set()


def _assert_understood(words: list[str]) -> None:
    """Follow the words from command to subcommand; `up|down` names two."""
    command = typer.main.get_command(app)
    if words[:1] == ["model"] and words[1:2] in ([each] for each in _OF_MODEL):
        command, words = typer.main.get_command(model), words[1:]
    for word in words:
        if word.startswith("--"):
            known = {option for parameter in command.params for option in parameter.opts}
            assert word.split("=")[0] in known, word
        elif isinstance(command, typer.core.TyperGroup):
            names = word.split("|")
            assert set(names) <= set(command.commands), word
            command = command.commands[names[0]]


@cache
def _help(command: tuple[str, ...]) -> str:
    return subprocess.run(
        [sys.executable, *command, "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout
