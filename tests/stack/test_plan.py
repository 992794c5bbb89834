"""What a stack consists of, and what its processes are told."""

from pathlib import Path

from stack.layout import locate
from stack.options import Options
from stack.plan import plan
from stack.process import Process


def test_each_authz_process_knows_how_many_share_a_limit(tmp_path: Path) -> None:
    """In an outage of the database each grants its share: told wrongly, N would grant N limits."""
    layout = locate(tmp_path)
    layout.backends.mkdir(parents=True)
    units = plan(layout, Options(state=tmp_path, port=1, authz=3))
    authz = [each for each in units if isinstance(each, Process) and each.name.startswith("authz")]
    assert [each.command.environment["AUTHZ_PROCESSES"] for each in authz] == ["3", "3", "3"]


def test_no_process_that_goes_on_is_the_databases_owner(tmp_path: Path) -> None:
    """Each has the rights of its plane; only the schema is made by the owner."""
    layout = locate(tmp_path)
    layout.backends.mkdir(parents=True)
    units = plan(layout, Options(state=tmp_path, port=1))
    roles = {
        unit.name: unit.command.environment["AUTHZ_DATABASE_URL"].rpartition("user=")[2]
        for unit in units
        if "AUTHZ_DATABASE_URL" in unit.command.environment
    }
    assert roles == {
        "migrate": "tessera",
        "demo-key": "tessera_control",
        "admin": "tessera_control",
        "authz-1": "tessera_authz",
        "report": "tessera_authz",
    }
