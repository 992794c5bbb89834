"""`python -m leaks serve`: take reports of leaked keys; settings are LEAKS_* variables."""

import argparse
import asyncio
import signal
import sys
from types import FrameType
from typing import NoReturn

import uvloop
from pydantic import ValidationError

from leaks.public_keys import BadPublicKeysError
from leaks.serve import serve
from leaks.settings import LeaksSettings
from runtime.logging import configure_logging


class StartError(Exception):
    """The receiver cannot start; the message is one sentence for whoever ran it."""


def main(arguments: list[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m leaks", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("serve", help="take reports until told to stop")
    parser.parse_args(arguments)
    configure_logging("leaks")
    try:
        _serve(_read_settings())
    except StartError as error:
        sys.stderr.write(f"leaks: {error}\n")
        return 1
    return 0


def _serve(settings: LeaksSettings) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        # uvicorn takes over, and raises the signal anew when it has stopped gracefully.
        signal.signal(number, _exit)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(settings))
    except BadPublicKeysError as error:
        raise StartError(f"{settings.github_keys_file}: {error}") from None
    except OSError as error:
        raise StartError(f"{error.filename}: {error.strerror}") from None


def _read_settings() -> LeaksSettings:
    try:
        return LeaksSettings.model_validate({})  # the rest is from the environment
    except ValidationError as error:
        wrong = (
            f"LEAKS_{str(one['loc'][0]).upper()}: {one['msg'].removeprefix('Value error, ')}"
            for one in error.errors()
        )
        raise StartError("; ".join(wrong)) from None


def _exit(_number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(0)


if __name__ == "__main__":
    sys.exit(main())
