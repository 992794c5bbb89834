"""What the scanner finds in a stream of bytes."""

import marshal
import sqlite3
import tracemalloc
from collections.abc import Callable
from io import BytesIO
from itertools import cycle
from pathlib import Path

from hypothesis import example, given
from hypothesis import strategies as st

from cli.scan.findings import Sighting, fingerprint
from cli.scan.scanner import Read, Scanner
from contract.keys import PREFIX, is_well_formed, mask_key
from tests.cli.planted import make_key, shows_secret, spoil

_KEY = make_key()
_LENGTH = len(_KEY)
_ENCODINGS = ("ascii", "utf-16-le", "utf-16-be")

_keys = st.integers(0, 5).map(make_key)
_encodings = st.sampled_from(_ENCODINGS)
_planted = st.builds(str.encode, _keys, _encodings)
_spoilt = st.builds(lambda key, encoding: spoil(key).encode(encoding), _keys, _encodings)
_cut = st.builds(lambda text, end: text[:end], _planted, st.integers(1, _LENGTH))
_noise = st.text("sk-tera0Z\n\0", max_size=40).map(str.encode) | st.binary(max_size=40)
_data = st.lists(_planted | _spoilt | _cut | _noise, max_size=12).map(b"".join)


def _in_pieces(data: bytes, sizes: list[int]) -> Read:
    """Read `data` as a pipe may hand it over: as much at a time as `sizes` say, in turn."""
    source, turns = BytesIO(data), cycle(sizes)
    return lambda view: source.readinto(view[: next(turns)])


def _read(data: bytes) -> Callable[[memoryview], int]:
    return BytesIO(data).readinto


def _expected(data: bytes) -> tuple[list[Sighting], int]:
    """Try every offset, in each encoding, with no regard to speed."""
    sightings, near_misses = [], 0
    for offset in range(len(data)):
        narrow = data[offset : offset + _LENGTH]
        wide = data[offset : offset + 2 * _LENGTH - 1]
        for text in (narrow, wide[::2] if set(wide[1::2]) == {0} else b""):
            key = text.decode("latin-1")
            if len(key) < _LENGTH or not key.startswith(PREFIX):
                continue
            if is_well_formed(key):
                line = data.count(b"\n", 0, offset) + 1
                column = offset - data.rfind(b"\n", 0, offset)
                sightings.append(Sighting(line, column, mask_key(key), fingerprint(key)))
            elif key[len(PREFIX) :].isascii() and key[len(PREFIX) :].isalnum():
                near_misses += 1
    return sightings, near_misses


@example(_KEY.encode()[:-1] + _KEY.encode(), 1, [1])
@given(
    data=_data,
    chunk_bytes=st.integers(1, 300),
    sizes=st.lists(st.integers(1, 300), min_size=1, max_size=5),
)
def test_every_key_is_found_once_wherever_it_is(
    data: bytes, chunk_bytes: int, sizes: list[int]
) -> None:
    """Whatever the chunks' size, the reads' sizes and the neighbours, as a slow search finds."""
    scan = Scanner(chunk_bytes).scan(_in_pieces(data, sizes))
    sightings, near_misses = _expected(data)
    assert sorted(scan.sightings, key=repr) == sorted(sightings, key=repr)
    assert (scan.near_misses, scan.size_bytes) == (near_misses, len(data))


@given(data=_data, chunk_bytes=st.integers(1, 300))
def test_the_quick_look_misses_nothing(data: bytes, chunk_bytes: int) -> None:
    """What it passes over holds neither a key nor a near miss."""
    scanner = Scanner(chunk_bytes)
    if not scanner.mentions_prefix(_read(data)):
        scan = scanner.scan(_read(data))
        assert (scan.sightings, scan.near_misses) == ((), 0)


@given(before=st.binary(max_size=3), after=st.binary(max_size=3), key=_keys)
def test_neighbours_do_not_hide_a_key(before: bytes, after: bytes, key: str) -> None:
    """The checksum decides: letters, digits and bytes that touch a key may be another field's."""
    scan = Scanner().scan(_read(before + key.encode() + after))
    assert [sighting.fingerprint for sighting in scan.sightings] == [fingerprint(key)]


@given(data=_data)
def test_no_part_of_a_sighting_reveals_the_key(data: bytes) -> None:
    """Neither the mask nor the fingerprint holds eight characters in a row of the random part."""
    shown = repr(Scanner().scan(_read(data)))
    assert not any(shows_secret(shown, make_key(seed)) for seed in range(6))


def test_a_key_in_compiled_python_is_found() -> None:
    """Marshalled code puts the key's length, the digit 3, before it, and a letter behind."""
    code = compile(f"KEY = {_KEY!r}\n", "settings.py", "exec")
    data = marshal.dumps(code)
    before = data[data.index(_KEY.encode()) - 1 :][:1]
    assert before == b"3"
    assert len(Scanner().scan(_read(data)).sightings) == 1


def test_a_key_in_a_database_is_found(tmp_path: Path) -> None:
    """SQLite writes columns one after the other, with nothing between them."""
    database = sqlite3.connect(tmp_path / "shop.sqlite")
    database.execute("CREATE TABLE secrets (name TEXT, key TEXT, stage TEXT)")
    database.execute("INSERT INTO secrets VALUES ('demo', ?, 'prod')", (_KEY,))
    database.commit()
    database.close()
    data = (tmp_path / "shop.sqlite").read_bytes()
    assert b"demo" + _KEY.encode() + b"prod" in data
    assert len(Scanner().scan(_read(data)).sightings) == 1


def test_memory_does_not_grow_with_the_stream() -> None:
    """A stream of any length, even without a line's end, needs little more than a chunk."""
    pieces = iter([b"x" * 65536] * 1024 + [_KEY.encode()])

    def read(view: memoryview) -> int:
        piece = next(pieces, b"")
        view[: len(piece)] = piece
        return len(piece)

    scanner = Scanner(65536)
    tracemalloc.start()
    scan = scanner.scan(read)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (scan.sightings[0].column, scan.size_bytes) == (64 * 2**20 + 1, 64 * 2**20 + _LENGTH)
    assert peak_bytes < 2**20
