"""What each process loads."""

import subprocess
import sys

_OF_ADMIN = ("aiosmtplib", "cryptography", "authz.rpc.admin", "authz.administer", "authz.report")


def test_what_only_the_admin_process_needs_is_loaded_by_it_alone() -> None:
    """Checks start as fast, and in as little memory, as if there were no admin process."""
    program = f"""
import sys
import authz.__main__
print(*(name for name in {_OF_ADMIN} if name in sys.modules))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.split() == []
