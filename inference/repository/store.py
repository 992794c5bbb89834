"""Puts a repository on disk: all of it at once, or not at all, and only where it has changed.

<out>/triton, <out>/card   links that never change: current/triton, current/card
<out>/current              a link to the build in use, replaced in one step
<out>/builds/<digest>      a build, complete from the moment it has this name
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

from inference.repository.embedder import Layout

_CURRENT: Final = "current"
_BUILDS: Final = "builds"


def store(layout: Layout, out: Path) -> bool:
    """Make `out` hold the layout; return whether anything had to be done.

    Raises:
        OSError: `out` cannot be written; what it held before is untouched.
    """
    builds = out / _BUILDS
    builds.mkdir(parents=True, exist_ok=True)
    with _locked(out):
        build = builds / digest(layout)
        if is_complete(layout, out / _CURRENT) and (out / _CURRENT).resolve() == build.resolve():
            return False
        _write_build(layout, build)
        _link(out / _CURRENT, Path(_BUILDS, build.name))
        for name in sorted({path.split("/")[0] for path in (*layout.written, *layout.copied)}):
            _link(out / name, Path(_CURRENT, name))
        _remove_all_but(build)
        return True


def digest(layout: Layout) -> str:
    """Name a layout after its contents."""
    sums = {path: hashlib.sha256(content).hexdigest() for path, content in layout.written.items()}
    for path, source in layout.copied.items():
        with source.open("rb") as file:
            sums[path] = hashlib.file_digest(file, "sha256").hexdigest()
    lines = "".join(f"{path} {sums[path]}\n" for path in sorted(sums))
    return hashlib.sha256(lines.encode()).hexdigest()[:16]


def is_complete(layout: Layout, folder: Path) -> bool:
    """Tell whether a folder holds the layout's files; of copied ones only the size is compared."""
    try:
        return all(
            (folder / path).read_bytes() == content for path, content in layout.written.items()
        ) and all(
            (folder / path).stat().st_size == source.stat().st_size
            for path, source in layout.copied.items()
        )
    except FileNotFoundError:
        return False


def _write_build(layout: Layout, build: Path) -> None:
    with tempfile.TemporaryDirectory(dir=build.parent, ignore_cleanup_errors=True) as scratch:
        new = Path(scratch, build.name)
        for path, content in layout.written.items():
            (new / path).parent.mkdir(parents=True, exist_ok=True)
            (new / path).write_bytes(content)
        for path, source in layout.copied.items():
            (new / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, new / path)  # ONNX Runtime refuses links that leave the folder
        if build.exists():  # complete once, damaged since
            build.rename(Path(scratch, "damaged"))
        new.rename(build)


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
