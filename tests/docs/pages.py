"""What the pages say in code, and what there is for them to name."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
README: Final = (ROOT / "README.md").read_text()
MAKEFILE: Final = (ROOT / "Makefile").read_text()
PAGES: Final = {
    str(page.relative_to(ROOT)): page.read_text()
    for page in (ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted(ROOT.glob("docs/**/*.md")))
}

_BLOCK: Final = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_SPAN: Final = re.compile(r"`([^`\n]+)`")
_MADE_HERE: Final = frozenset({"__pycache__", "node_modules", "build", "results"})


def shell_blocks(text: str) -> list[str]:
    """Return what a page shows to be typed, comments left out."""
    blocks = (body for language, body in _BLOCK.findall(text) if language == "sh")
    return [re.sub(r" +#.*", "", body) for body in blocks]


def commands(text: str) -> list[str]:
    """Return every piece of code of a page that may be a command: each span, each typed line."""
    typed = [line for block in shell_blocks(text) for line in block.splitlines()]
    return [*_SPAN.findall(_BLOCK.sub("", text)), *typed]


def spans(text: str) -> list[str]:
    """Return what a page sets in code within its sentences."""
    return _SPAN.findall(_BLOCK.sub("", text))


def files() -> Iterator[Path]:
    """Yield the repository's own files, without what was installed or made in it."""
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if _is_ours(name)]
        yield from (Path(folder, name) for name in names)


def _is_ours(folder: str) -> bool:
    hidden = folder.startswith(".") and folder != ".ci"
    return not hidden and folder not in _MADE_HERE and not folder.endswith(".egg-info")
