"""Lock the requirements anew: `make lock`.

The locks name no registry's host, so they work behind any mirror; `--no-annotate` keeps their
diffs to what really changed.
"""

import subprocess
import sys
from pathlib import Path
from typing import Final

_HERE: Final = Path(__file__).parent
_OPTIONS: Final = (
    "--quiet",
    "--upgrade",
    "--python-version=3.11",
    "--generate-hashes",
    "--no-emit-index-url",
    "--no-header",
    "--no-annotate",
)


def main() -> None:
    """Compile every lock; the smaller ones follow the larger, so one environment fits both."""
    product = ["pyproject.toml", "--override", str(_HERE / "overrides.txt"), "--extra", "local"]
    _compile([*product, "--extra", "test"], "dev.txt")
    _compile([*product, "--constraint", str(_HERE / "dev.txt")], "local.txt")
    _compile([str(_HERE / "uv.in"), "--constraint", str(_HERE / "dev.txt")], "uv.txt")
    for name in ("peers", "torch"):
        overrides = str(_HERE / "torch-overrides.txt")
        _compile([str(_HERE / f"{name}.in"), "--override", overrides], f"{name}.txt")


def _compile(arguments: list[str], output: str) -> None:
    uv = Path(sys.executable).with_name("uv")
    command = [str(uv), "pip", "compile", *_OPTIONS, *arguments, "--output-file"]
    subprocess.run([*command, str(_HERE / output)], check=True, cwd=_HERE.parent, timeout=600)


if __name__ == "__main__":
    main()
