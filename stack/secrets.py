"""Files that only their owner may read."""

import os
import secrets
from pathlib import Path

from stack.errors import StackError
from stack.layout import Layout


def make_pepper(layout: Layout) -> None:
    """Make the secret that keys are hashed with, once: with another, no key would be known."""
    if layout.pepper.exists():
        return
    if layout.database.exists():
        raise StackError(
            f"{layout.pepper} is gone, and without it no key in {layout.database} is known;"
            " put it back, or remove both"
        )
    write_private(layout.pepper, secrets.token_hex(32))


def write_exports(layout: Layout, base_url: str) -> None:
    """Write shell exports that make any OpenAI client call this stack."""
    key = layout.key.read_text().strip()
    exports = {"TESSERA_API_KEY": key, "OPENAI_API_KEY": key, "OPENAI_BASE_URL": base_url}
    lines = (f"export {name}='{value}'\n" for name, value in exports.items())
    write_private(layout.env, "".join(lines))


def write_private(path: Path, text: str) -> None:
    """Write a file that is whole and private from the moment it has its name."""
    unfinished = path.with_name(path.name + ".new")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(path)
