"""The command line: `python -m authz migrate | serve | report | admin | seed-demo --out FILE`."""

import argparse
import asyncio
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import NoReturn, TypeVar, assert_never

import structlog
import uvloop
from pydantic import ValidationError

from authz.domain.administration.refusals import RefusedError
from authz.domain.pepper import BadPepperError
from authz.domain.undecided import DatabaseError
from authz.service.current_peppers import CurrentPeppers
from authz.settings import (
    AdminSettings,
    DatabaseSettings,
    KeySettings,
    ReportSettings,
    ServeSettings,
)
from authz.storage.connect import connect
from authz.storage.logins import (
    NoLoginError,
    Plane,
    TooPowerfulError,
    ensure_logins,
    parse_role_name,
)
from authz.storage.migrate import ChangedMigrationError, migrate
from authz.storage.pepper_file import PepperFile
from authz.storage.place_lock import PlaceTakenError
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
                asyncio.run(_migrate(_read_settings(DatabaseSettings), dict(parsed.login)))
            case "seed-demo":
                asyncio.run(_seed_demo(_read_settings(KeySettings), parsed.out))
            case "serve":
                _serve(_read_settings(ServeSettings))
            case "report":
                _report(_read_settings(ReportSettings))
            case "admin":
                _administer(_read_settings(AdminSettings))
            case unknown:
                assert_never(unknown)
    except (
        StartError,
        BadPepperError,
        ChangedMigrationError,
        NoLoginError,
        PlaceTakenError,
        RefusedError,
        TooPowerfulError,
    ) as error:
        return _fail(str(error))
    except DatabaseError as error:
        return _fail(f"PostgreSQL does not answer as it should ({error})")
    except OSError as error:
        return _fail(f"{error.filename}: {error.strerror}")
    return 0


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m authz", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    migration = commands.add_parser("migrate", help="bring the database's schema up to date")
    migration.add_argument(
        "--login",
        type=_parse_login,
        action="append",
        default=[],
        metavar="data=ROLE|admin=ROLE",
        help="make a role that processes of this kind log in as, where there is none",
    )
    commands.add_parser("serve", help="answer Envoy's checks")
    commands.add_parser("report", help="answer accounts that ask for their usage")
    commands.add_parser("admin", help="answer whoever administers accounts and keys")
    seed = commands.add_parser("seed-demo", help="make the demo account and its key")
    seed.add_argument("--out", type=Path, required=True, help="file that gets the key's text")
    parsed = parser.parse_args(arguments)
    logins = [name for name, _ in getattr(parsed, "login", ())]
    if len(set(logins)) != len(logins):
        parser.error("each role is of one kind")
    return parsed


def _parse_login(text: str) -> tuple[str, Plane]:
    kind, _, name = text.partition("=")
    try:
        return parse_role_name(name), Plane[kind.upper()]
    except (KeyError, ValueError):
        raise argparse.ArgumentTypeError("expected data=ROLE or admin=ROLE") from None


async def _migrate(settings: DatabaseSettings, logins: Mapping[str, Plane]) -> None:
    connection = await connect(settings.database_url)
    try:
        applied = await migrate(connection)
        await ensure_logins(connection, logins)
    finally:
        await connection.close()
    _log.info("schema.migrated", applied=[migration.name for migration in applied])


async def _seed_demo(settings: KeySettings, out: Path) -> None:
    from authz.seed import seed_demo  # noqa: PLC0415 - no process but this one needs it

    peppers = PepperFile(settings.pepper_file).read()
    connection = await connect(settings.database_url)
    try:
        made = await seed_demo(connection, peppers, out)
    finally:
        await connection.close()
    _log.info("demo.seeded", made=made)


def _serve(settings: ServeSettings) -> None:
    from authz.serve import serve  # noqa: PLC0415 - no process but this one needs it

    peppers = CurrentPeppers(PepperFile(settings.pepper_file), settings.pepper_file_poll_seconds)
    try:
        tokenizer = RequestTokenizer.read(settings.model_folder)
    except ValueError as error:
        raise StartError(str(error)) from error
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(settings, peppers, tokenizer))


def _report(settings: ReportSettings) -> None:
    from authz.report import report  # noqa: PLC0415 - no process but this one needs it

    for number in (signal.SIGTERM, signal.SIGINT):
        # uvicorn takes over, and raises the signal anew when it has stopped gracefully.
        signal.signal(number, _exit)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(report(settings))


def _exit(_number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(0)


def _administer(settings: AdminSettings) -> None:
    from authz.administer import administer  # noqa: PLC0415 - no process but this one needs it
    from authz.rpc.admin.certificates import BadCertificateError  # noqa: PLC0415 - the same
    from authz.rpc.admin.server import ListenError  # noqa: PLC0415 - the same

    peppers = CurrentPeppers(PepperFile(settings.pepper_file), settings.pepper_file_poll_seconds)
    try:
        asyncio.run(administer(settings, peppers))
    except (BadCertificateError, ListenError) as error:
        raise StartError(str(error)) from error


def _read_settings(kind: type[S]) -> S:
    try:
        return kind()  # type: ignore[call-arg] # the environment gives the arguments
    except ValidationError as error:
        wrong = (
            f"AUTHZ_{str(one['loc'][0]).upper()}: {one['msg'].removeprefix('Value error, ')}"
            for one in error.errors()
        )
        raise StartError("; ".join(wrong)) from None


def _fail(sentence: str) -> int:
    sys.stderr.write(f"authz: {sentence}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
