"""Puts a repository on disk: all of it at once, or not at all, and only where it has changed.

<out>/triton, <out>/card      links that never change: current/triton, current/card
<out>/current                 a link to the build in use, replaced in one step
<out>/builds/<name>           a build, complete from the moment it has this name
<out>/builds/<name>/manifest.json   the digests of its files, which it is named after
"""

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from inference.checkpoint.digests import Digests
from inference.progress import Advance, Progress, Silent
from inference.repository import manifest
from inference.repository.layout import Layout
from inference.repository.manifest import Entry, Manifest

CURRENT: Final = "current"
_BUILDS: Final = "builds"
_LINK_BYTES_MIN: Final = 2**30
"""Files from this size on are linked where they can be: a copy would cost time and disk. A smaller
one is copied, so that nobody who changes the original in place changes what is served."""
_BLOCK_BYTES: Final = 8 * 2**20


def store(
    layout: Layout,
    out: Path,
    digests: Digests | None = None,
    progress: Progress | None = None,
    link_bytes_min: int = _LINK_BYTES_MIN,
) -> bool:
    """Make `out` hold the layout; return whether anything had to be done.

    Raises:
        OSError: `out` cannot be written; what it held before is untouched.
    """
    progress, digests = progress or Silent(), digests or Digests()
    builds = out / _BUILDS
    builds.mkdir(parents=True, exist_ok=True)
    with _locked(out):
        contents = take_stock(layout, digests, progress)
        build = builds / manifest.name_of(contents)
        in_use = (out / CURRENT).resolve() == build.resolve()
        whole = _is_whole(layout, contents, build, digests, progress)
        if not whole:
            _make_build(build, layout, contents, progress, link_bytes_min)
        # Also where nothing has changed: who was killed may have come no further than this.
        _link(out / CURRENT, Path(_BUILDS, build.name))
        for name in sorted({path.split("/")[0] for path in contents}):
            _link(out / name, Path(CURRENT, name))
        _remove_all_but(build)
        return not (whole and in_use)


def take_stock(layout: Layout, digests: Digests, progress: Progress) -> Manifest:
    """Work out what a build of the layout holds."""
    written = {
        path: Entry(len(content), hashlib.sha256(content).hexdigest())
        for path, content in layout.written.items()
    }
    taken = {
        path: Entry(source.stat().st_size, digests.of(source, progress))
        for path, source in layout.taken.items()
    }
    return written | taken


def is_complete(layout: Layout, build: Path) -> bool:
    """Tell whether a build holds the layout's files; of those taken only the size is compared."""
    try:
        return all(
            (build / path).read_bytes() == content for path, content in layout.written.items()
        ) and all(
            (build / path).stat().st_size == source.stat().st_size
            for path, source in layout.taken.items()
        )
    except (FileNotFoundError, NotADirectoryError):
        return False


def _is_whole(
    layout: Layout, contents: Manifest, build: Path, digests: Digests, progress: Progress
) -> bool:
    """Tell whether a build is what it was, byte for byte."""
    if not is_complete(layout.with_written(manifest.file_of(contents)), build):
        return False
    return all(digests.of(build / path, progress) == contents[path].sha256 for path in layout.taken)


def place(source: Path, target: Path, link_bytes_min: int, advance: Advance) -> None:
    """Put a file at `target`, whose folder is made: a hard link of a big one, else a copy.

    A hard link, because ONNX Runtime refuses symbolic ones that leave the model's folder.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    real = source.resolve()  # a cache keeps its files elsewhere, and shows links
    size = real.stat().st_size
    if size >= link_bytes_min:
        try:
            target.hardlink_to(real)
        except OSError:  # another disk, or one that knows no such links
            pass
        else:
            advance(size)
            return
    with real.open("rb") as reader, target.open("wb") as writer:
        while block := reader.read(_BLOCK_BYTES):
            writer.write(block)
            advance(len(block))


def _make_build(
    build: Path, layout: Layout, contents: Manifest, progress: Progress, link_bytes_min: int
) -> None:
    """Make a build under another name, and give it its own when it is complete."""
    with tempfile.TemporaryDirectory(dir=build.parent, ignore_cleanup_errors=True) as scratch:
        new = _write_build(layout, contents, Path(scratch), progress, link_bytes_min)
        if build.exists():  # complete once, damaged since
            build.rename(Path(scratch, "damaged"))
        new.rename(build)


def _write_build(
    layout: Layout, contents: Manifest, scratch: Path, progress: Progress, link_bytes_min: int
) -> Path:
    new = scratch / "build"
    whole = {**layout.written, **manifest.file_of(contents)}
    for path, content in whole.items():
        (new / path).parent.mkdir(parents=True, exist_ok=True)
        (new / path).write_bytes(content)
    total = sum(contents[path].size for path in layout.taken)
    with progress.step("storing the repository", total) as advance:
        for path, source in layout.taken.items():
            place(source, new / path, link_bytes_min, advance)
    return new


def _link(link: Path, target: Path) -> None:
    """Point a link at a target in one step, whatever it pointed at before."""
    if link.is_symlink() and link.readlink() == target:
        return
    new = link.with_name(f".{link.name}.new")
    new.unlink(missing_ok=True)
    new.symlink_to(target)
    new.replace(link)


def _remove_all_but(build: Path) -> None:
    """Remove earlier builds; a server that still runs one has its files open."""
    for other in build.parent.iterdir():
        if other != build:
            shutil.rmtree(other, ignore_errors=True)


@contextmanager
def _locked(out: Path) -> Iterator[None]:
    """Let one builder at a time work on `out`."""
    descriptor = os.open(out, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
