"""Why a command ends early: one sentence, and an exit code."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import Final

import typer

from cli.examples import verbatim
from cli.printable import printable
from cli.scan.findings import redact


class Exit(IntEnum):
    """What a command's exit code tells."""

    DONE = 0
    REFUSED = 1
    USAGE = 2
    UNREACHABLE = 3
    NOT_PERMITTED = 4
    NOT_KNOWN_EVERYWHERE = 5


_MEANINGS: Final = {
    Exit.DONE: "done",
    Exit.REFUSED: "refused: there is no such thing, or it cannot be done",
    Exit.USAGE: "wrong usage",
    Exit.UNREACHABLE: "no stack runs, or the server cannot be reached",
    Exit.NOT_PERMITTED: "not permitted with this certificate",
    Exit.NOT_KNOWN_EVERYWHERE: "revoked, but not yet known to every process",
}


class CommandError(Exception):
    """The command cannot go on; the text is one sentence that says what to do next."""

    def __init__(self, sentence: str, exit_code: Exit = Exit.REFUSED) -> None:
        super().__init__(sentence)
        self.exit_code = exit_code


def exit_codes(*codes: Exit) -> str:
    """Lay out what exit codes mean, for an epilog."""
    return verbatim("Exit codes:", *(f"{code}  {_MEANINGS[code]}" for code in codes))


@contextmanager
def one_sentence_per_failure() -> Iterator[None]:
    """End the command as a `CommandError` says."""
    try:
        yield
    except CommandError as error:
        # What a server or a file says may hold anything, a pasted key among it.
        typer.echo(f"tessera: {redact(printable(str(error)))}", err=True)
        raise typer.Exit(error.exit_code) from None
