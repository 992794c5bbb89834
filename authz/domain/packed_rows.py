"""Rows of one size in little more memory than their bytes; never changed in place."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

Place: TypeAlias = bytes
"""Two bytes, which tell the page that a row lies on; whoever keeps rows spreads them evenly."""

_Group: TypeAlias = tuple[bytes, ...]
_NO_PAGES: Final[_Group] = (b"",) * 256


@dataclass(frozen=True, slots=True, eq=False)
class PackedRows:
    """Rows of `row_bytes` each, found by a part of them that no two rows share.

    A page is a few rows in no order, searched by one call into C: a million rows need no index, and
    no object each that a garbage collector would visit. States share all pages but those that
    differ, so a change copies one page and two short tuples, and whoever reads an earlier state,
    in another thread even, sees it whole.
    """

    row_bytes: int
    groups: tuple[_Group, ...] = field(default=(_NO_PAGES,) * 256, repr=False)

    def find(self, place: bytes, part: bytes, offset: int = 0) -> bytes | None:
        """Return the first row that has `part` at `offset`. Only two bytes of `place` count."""
        page = self.groups[place[0]][place[1]]
        at = page.find(part)
        while at >= 0:
            if at % self.row_bytes == offset:
                return page[at - offset : at - offset + self.row_bytes]
            at = page.find(part, at + 1)
        return None

    def has_two(self, place: Place, part: bytes) -> bool:
        """Tell whether more than one row begins with `part`."""
        page = self.groups[place[0]][place[1]]
        again = page.find(part, page.find(part) + 1)
        return again >= 0 and sum(row.startswith(part) for row in self._split(page)) > 1

    def has_anywhere(self, part: bytes, offset: int) -> bool:
        """Tell whether any row has `part` at `offset`; looks through all of them."""
        likely = (page for page in self._pages() if part in page)
        return any(row.startswith(part, offset) for page in likely for row in self._split(page))

    def replace(
        self, removed: Iterable[tuple[Place, bytes]], added: Iterable[tuple[Place, bytes]]
    ) -> "PackedRows":
        """Return the rows without those `removed`, which are there, and with those `added`."""
        pages: dict[Place, bytes] = {}
        for place, row in removed:
            pages[place] = self._without(pages.get(place, self._page(place)), row)
        additions: dict[Place, list[bytes]] = {}
        for place, row in added:
            additions.setdefault(place, []).append(row)
        for place, rows in additions.items():
            pages[place] = b"".join((pages.get(place, self._page(place)), *rows))
        return self.with_pages(pages)

    def with_pages(self, pages: Mapping[Place, bytes]) -> "PackedRows":
        """Return the rows with the content of some pages replaced."""
        opened: dict[int, list[bytes]] = {}
        for (group, index), page in pages.items():
            if group not in opened:
                opened[group] = list(self.groups[group])
            opened[group][index] = page
        groups = list(self.groups)
        for group, content in opened.items():
            groups[group] = tuple(content)
        return replace(self, groups=tuple(groups))

    def pages_since(self, earlier: "PackedRows") -> Iterator[tuple[Place, bytes]]:
        """Yield each page that is another than in an earlier state of these rows."""
        for number, (group, before) in enumerate(zip(self.groups, earlier.groups, strict=True)):
            if group is not before:
                for index, (page, old) in enumerate(zip(group, before, strict=True)):
                    if page is not old:
                        yield bytes((number, index)), page

    def __iter__(self) -> Iterator[bytes]:
        for page in self._pages():
            yield from self._split(page)

    def _pages(self) -> Iterator[bytes]:
        return (page for group in self.groups if group is not _NO_PAGES for page in group)

    def _page(self, place: Place) -> bytes:
        return self.groups[place[0]][place[1]]

    def _split(self, page: bytes) -> Iterator[bytes]:
        size = self.row_bytes
        return (page[at : at + size] for at in range(0, len(page), size))

    def _without(self, page: bytes, row: bytes) -> bytes:
        at = page.find(row)
        while at % self.row_bytes:
            at = page.find(row, at + 1)
        return page[:at] + page[at + self.row_bytes :]
