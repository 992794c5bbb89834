"""Run a program as `nobody` although root started it; PostgreSQL refuses to run as root.

    python -I -S unroot.py PROGRAM [ARGUMENT ...]

The program keeps one capability of root's, to pass file permissions. So it can read its files from
a virtual environment, and write to a state folder, that only root may enter; nothing has to be
copied, created or opened to other users for it.
"""

import ctypes
import os
import pwd
import signal
import sys

_SET_PDEATHSIG = 1
_SET_SECUREBITS = 28
_CAP_AMBIENT = 47
_CAP_AMBIENT_RAISE = 2
_NO_SETUID_FIXUP = 1 << 2
_DAC_OVERRIDE = 1
_CAPABILITY_VERSION_3 = 0x20080522


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Data(ctypes.Structure):
    _fields_ = (
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    )


def main() -> None:
    """Drop every privilege but one and become the program."""
    parent = os.getppid()
    nobody = pwd.getpwnam("nobody")
    # Without this bit the kernel drops the capability with the user, and ignores it in access(2).
    _prctl(_SET_SECUREBITS, _NO_SETUID_FIXUP)
    os.setgroups([])
    os.setresgid(nobody.pw_gid, nobody.pw_gid, nobody.pw_gid)
    os.setresuid(nobody.pw_uid, nobody.pw_uid, nobody.pw_uid)
    _keep_only(_DAC_OVERRIDE)
    # The guard asked for this, but the kernel forgets it when the user changes.
    _prctl(_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(127)
    os.execv(sys.argv[1], sys.argv[1:])  # noqa: S606 - the caller's own program, and no shell


def _keep_only(capability: int) -> None:
    """Give up all capabilities but one, which every program started from here on keeps."""
    bits = 1 << capability
    header = _Header(_CAPABILITY_VERSION_3, 0)
    data = (_Data * 2)(_Data(bits, bits, bits), _Data(0, 0, 0))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.capset(ctypes.byref(header), data) != 0:
        raise OSError(ctypes.get_errno(), "capset failed")
    _prctl(_CAP_AMBIENT, _CAP_AMBIENT_RAISE, capability)


def _prctl(option: int, *values: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    padded = (*values, 0, 0, 0, 0)[:4]
    if libc.prctl(option, *(ctypes.c_ulong(value) for value in padded)) != 0:
        raise OSError(ctypes.get_errno(), f"prctl({option}) failed")


if __name__ == "__main__":
    main()
