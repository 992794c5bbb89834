"""Compile the protobuf sources to Python and typing stubs beside them, or check that they are.

Run as `python -m proto.generate [--check]`.
"""

import argparse
import re
import sys
import tempfile
from importlib import resources
from pathlib import Path
from typing import Final

from grpc_tools import protoc  # type: ignore[import-untyped] # ships no types

ROOT: Final = Path(__file__).resolve().parent.parent
_GENERATED: Final = ("*_pb2.py", "*_pb2.pyi")
_OUR_IMPORT: Final = re.compile(r"^from tessera\.", re.MULTILINE)


class CompileError(Exception):
    """protoc refused a source; what it said is on standard error."""


def main(arguments: list[str] | None = None) -> int:
    """Generate the code, or with `--check` only compare; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m proto.generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; fail on drift")
    check = parser.parse_args(arguments).check
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder)
        try:
            compile_sources(ROOT, fresh)
        except CompileError as error:
            return _fail(str(error))
        if not check:
            replace_generated(ROOT, fresh)
            return 0
        drifted = find_drift(ROOT, fresh)
    if drifted:
        names = ", ".join(map(str, drifted))
        return _fail(f"not what the protobuf sources generate: {names}; run `make proto`")
    return 0


def compile_sources(root: Path, out: Path) -> None:
    """Compile every source under `root`/proto into the same tree under `out`.

    Raises:
        CompileError: a source is not valid.
    """
    folder = root / "proto"
    sources = [str(path.relative_to(folder)) for path in sorted(folder.rglob("*.proto"))]
    well_known = resources.files("grpc_tools") / "_proto"
    generated = out / "proto"
    generated.mkdir()
    outs = [f"--python_out={generated}", f"--pyi_out={generated}"]
    status = protoc.main(["protoc", f"-I{folder}", f"-I{well_known}", *outs, *sources])
    if status != 0:
        raise CompileError(f"protoc ended with status {status}")
    for path in _find_generated(out):
        _import_from_here(out / path)


def _import_from_here(path: Path) -> None:
    """Import our own messages from the package that this folder is.

    A source's name on the wire is `tessera/...`, as its readers in other languages expect.
    """
    path.write_text(_OUR_IMPORT.sub("from proto.tessera.", path.read_text()))


def replace_generated(root: Path, fresh: Path) -> None:
    """Put the fresh files in place, and remove generated ones whose source is gone."""
    wanted = _find_generated(fresh)
    for path in _find_generated(root) - wanted:
        (root / path).unlink()
    for path in wanted:
        (root / path).write_bytes((fresh / path).read_bytes())


def find_drift(root: Path, fresh: Path) -> list[Path]:
    """Return the generated files, relative to `root`, that are missing, stale or left over."""
    return [
        path
        for path in sorted(_find_generated(root) | _find_generated(fresh))
        if _read(root / path) != _read(fresh / path)
    ]


def _find_generated(root: Path) -> set[Path]:
    return {path.relative_to(root) for glob in _GENERATED for path in (root / "proto").rglob(glob)}


def _fail(sentence: str) -> int:
    sys.stderr.write(sentence + "\n")
    return 1


def _read(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


if __name__ == "__main__":
    sys.exit(main())
