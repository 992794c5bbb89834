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
