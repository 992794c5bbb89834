"""The end of the audit on a process's own disk."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from authz.domain.administration.audit_chain import Head
from authz.storage.admin.head_file import BadHeadFileError, HeadFile

_HEADS = [Head(number, bytes([number]) * 32) for number in range(50)]


def test_what_was_remembered_is_recalled(head_file: Path) -> None:
    """By another process of the same place, too."""
    assert HeadFile(head_file).recall() is None
    HeadFile(head_file).remember(_HEADS[7])
    assert HeadFile(head_file).recall() == _HEADS[7]


def test_only_its_owner_reads_it(head_file: Path) -> None:
    """And nothing unfinished is left beside it."""
    HeadFile(head_file).remember(_HEADS[7])
    assert head_file.stat().st_mode & 0o777 == 0o600
    assert list(head_file.parent.iterdir()) == [head_file]


def test_the_memory_never_goes_back(head_file: Path) -> None:
    """However many changes end at once."""
    file = HeadFile(head_file)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(file.remember, _HEADS[::-1] + _HEADS))
    assert file.recall() == _HEADS[-1]


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[]", b"\xff", b'{"number": 1, "hash": "zz"}', b'{"number": "1"}']
)
def test_a_damaged_memory_is_no_memory_lost(head_file: Path, content: bytes) -> None:
    """It is said so: taken for none, it would hide an audit that was cut."""
    head_file.write_bytes(content)
    with pytest.raises(BadHeadFileError, match=head_file.name):
        HeadFile(head_file).recall()
    with pytest.raises(BadHeadFileError):
        HeadFile(head_file).remember(_HEADS[1])
    assert head_file.read_bytes() == content
