"""The folder that stands in for a mail server."""

import stat
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path

import pytest

from authz.domain.administration.refusals import MailNotAcceptedError
from authz.mail.outbox import OutboxMailer
from tests.authz.mail.samples import MOMENT, WELCOME, make_writer


def _mailer(folder: Path, clock: Callable[[], datetime] = lambda: MOMENT) -> OutboxMailer:
    return OutboxMailer(make_writer(), folder, clock)


async def test_only_its_owner_can_read_a_mail(tmp_path: Path) -> None:
    """A key is in it; the folder is made for the owner alone, too."""
    folder = tmp_path / "outbox"
    await _mailer(folder).send(WELCOME)
    (file,) = _files(folder)
    assert file.suffix == ".eml"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


async def test_names_sort_by_time(tmp_path: Path) -> None:
    """Whoever lists the folder reads the mails in order."""
    ticks = count()
    mailer = _mailer(tmp_path, lambda: MOMENT + timedelta(milliseconds=next(ticks)))
    names = [f"key {number}" for number in range(5)]
    for name in names:
        await mailer.send(replace(WELCOME, key_name=name))
    read = [path.read_text() for path in _files(tmp_path)]
    assert [[name for name in names if name in text] for text in read] == [[name] for name in names]


async def test_mails_of_one_moment_do_not_replace_each_other(tmp_path: Path) -> None:
    """Neither in one process nor in two."""
    for _ in range(5):
        await _mailer(tmp_path).send(WELCOME)
    assert len(_files(tmp_path)) == 5


async def test_a_folder_that_cannot_be_written_is_a_refusal(tmp_path: Path) -> None:
    """With the folder's name, and nothing left behind."""
    occupied = tmp_path / "outbox"
    occupied.write_text("")
    with pytest.raises(MailNotAcceptedError) as caught:
        await _mailer(occupied / "below").send(WELCOME)
    assert str(occupied) in str(caught.value)
    assert _files(tmp_path) == [occupied]


def _files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())
