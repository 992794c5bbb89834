"""The command line: `python -m authz migrate | serve | seed-demo --out FILE`."""

import argparse
import asyncio
import sys
from pathlib import Path
from typing import TypeVar, assert_never

import structlog
import uvloop
from pydantic import ValidationError

from authz.domain.pepper import BadPepperError, Pepper
from authz.domain.undecided import DatabaseError
from authz.seed import seed_demo
from authz.serve import serve
from authz.settings import DatabaseSettings, KeySettings, ServeSettings
from authz.storage.connect import connect
from authz.storage.migrate import ChangedMigrationError, migrate
from contract.tokens import RequestTokenizer
from runtime.logging import configure_logging

S = TypeVar("S", bound=DatabaseSettings)

_log = structlog.get_logger()


class StartError(Exception):
    """A command cannot do its work; the message is one sentence for whoever ran it."""


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return the exit status."""
    configure_logging("authz")
    parsed = _parse(arguments)
    try:
        match parsed.command:
            case "migrate":
                asyncio.run(_migrate(_read_settings(DatabaseSettings)))
            case "seed-demo":
                asyncio.run(_seed_demo(_read_settings(KeySettings), parsed.out))
            case "serve":
                _serve(_read_settings(ServeSettings))
            case unknown:
                assert_never(unknown)
    except (StartError, ChangedMigrationError) as error:
        return _fail(str(error))
    except DatabaseError as error:
        return _fail(f"PostgreSQL does not answer as it should ({error})")
    except OSError as error:
        return _fail(f"{error.filename}: {error.strerror}")
    return 0


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m authz", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("migrate", help="bring the database's schema up to date")
    commands.add_parser("serve", help="answer Envoy's checks")
    seed = commands.add_parser("seed-demo", help="make the demo account and its key")
    seed.add_argument("--out", type=Path, required=True, help="file that gets the key's text")
    return parser.parse_args(arguments)


async def _migrate(settings: DatabaseSettings) -> None:
    connection = await connect(settings.database_url)
    try:
        applied = await migrate(connection)
    finally:
        await connection.close()
    _log.info("schema.migrated", applied=[migration.name for migration in applied])


async def _seed_demo(settings: KeySettings, out: Path) -> None:
    pepper = _read_pepper(settings.pepper_file)
    connection = await connect(settings.database_url)
    try:
        made = await seed_demo(connection, pepper, out)
    finally:
        await connection.close()
    _log.info("demo.seeded", made=made)


def _serve(settings: ServeSettings) -> None:
    pepper = _read_pepper(settings.pepper_file)
    try:
        tokenizer = RequestTokenizer.read(settings.model_folder)
    except ValueError as error:
        raise StartError(str(error)) from error
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(settings, pepper, tokenizer))


def _read_settings(kind: type[S]) -> S:
    try:
        return kind()  # type: ignore[call-arg] # the environment gives the arguments
    except ValidationError as error:
        wrong = (f"AUTHZ_{str(one['loc'][0]).upper()}: {one['msg']}" for one in error.errors())
        raise StartError("; ".join(wrong)) from None


def _read_pepper(path: Path) -> Pepper:
    try:
        return Pepper.parse(path.read_text("ascii"))
    except (BadPepperError, UnicodeDecodeError):
        raise StartError(f"{path}: {BadPepperError.__doc__}") from None


def _fail(sentence: str) -> int:
    sys.stderr.write(f"authz: {sentence}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
