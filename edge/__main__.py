"""Render Envoy's configurations into `envoy/`; with `--check`, tell whether they are current."""

import argparse
import sys
from pathlib import Path
from typing import Final

from edge.rendered import rendered_files

_FOLDER: Final = Path(__file__).resolve().parent.parent / "envoy"


def main() -> int:
    """Write the files, or compare them; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m edge", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing, exit 1 on drift")
    if parser.parse_args().check:
        return _check()
    for name, text in rendered_files().items():
        (_FOLDER / name).write_text(text)
    return 0


def _check() -> int:
    stale = [
        name
        for name, text in rendered_files().items()
        if not (_FOLDER / name).is_file() or (_FOLDER / name).read_text() != text
    ]
    for name in stale:
        print(f"envoy/{name} is not what edge/ renders; run: make envoy", file=sys.stderr)  # noqa: T201 the command's output
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
