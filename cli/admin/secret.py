"""Where the text of a new key goes: to one place, once."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import typer

from cli.admin.document import Document
from cli.admin.screen import Screen
from cli.private_files import create_private
from cli.refusal import CommandError


@dataclass(frozen=True, slots=True)
class SecretPlace:
    """A file, made before the key is, or the screen."""

    screen: Screen
    path: Path | None = None
    descriptor: int | None = None

    def put(self, secret: str, key_id: str) -> Document:
        """Keep the secret and return what to tell programs of it.

        Raises:
            CommandError: there is none to keep any more, or no room for it.
        """
        again = f"make another with `tessera keys rotate {key_id} --grace 0`"
        if not secret:
            raise CommandError(
                f"Key {key_id} was made, but the answer that held its text was lost on the way,"
                f" and it is told only once; {again}"
            )
        if self.descriptor is None:
            return {"secret": secret, "secret_file": None}
        try:
            _write(self.descriptor, f"{secret}\n")
        except OSError as error:
            raise CommandError(
                f"Key {key_id} was made, but its text could not be written to {self.path}"
                f" ({error.strerror}); {again}"
            ) from None
        return {"secret": None, "secret_file": str(self.path)}

    def tell(self, secret: str) -> None:
        """Show people the secret, or where it is."""
        if self.path is not None:
            self.screen.note(f"The key's text is in {self.path}, and nowhere else.")
        elif not self.screen.as_json:
            self.screen.show_secret(secret)


@contextmanager
def place_for_secret(path: Path | None, screen: Screen) -> Iterator[SecretPlace]:
    """Make sure, before a key is made, that its text can be kept; leave no file if it is not."""
    if path is None:
        if not (screen.is_terminal or screen.as_json):
            raise typer.BadParameter(
                "The key's text would end up in what reads this output; name a file with"
                " --secret-file, or read it from --output json."
            )
        yield SecretPlace(screen)
        return
    descriptor = _create(path)
    try:
        yield SecretPlace(screen, path, descriptor)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    finally:
        os.close(descriptor)


def _create(path: Path) -> int:
    try:
        return create_private(path)
    except FileExistsError:
        raise CommandError(
            f"{path} exists, and no secret is written over another; name a new file"
        ) from None
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}; name another") from None


def _write(descriptor: int, text: str) -> None:
    with os.fdopen(os.dup(descriptor), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
