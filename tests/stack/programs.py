"""Cheap programs that stand in for the real parts, and what tells whether they live."""

import sys
from pathlib import Path
from typing import Final

import psutil

from stack.process import Command, Process

SLEEP: Final = "import time; time.sleep(600)"
STUBBORN: Final = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("deaf", flush=True)
time.sleep(600)
"""
FAMILY: Final = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        print(os.getpid(), flush=True)
        time.sleep(600)
    os._exit(0)
os.wait()
time.sleep(600)
"""
"""Has a grandchild, in a session of its own and orphaned, whose pid it prints."""


def python(source: str, *arguments: str) -> Command:
    """Return a command that runs a few lines of Python."""
    return Command((sys.executable, "-I", "-S", "-c", source, *arguments))


def process(name: str, folder: Path, source: str = SLEEP, *after: str) -> Process:
    """Describe a process that is ready as soon as it runs."""
    return Process(
        name, python(source), _always, _always, folder / f"{name}.log", after, stop_seconds=1
    )


def lives(pid: int) -> bool:
    """Tell whether a process runs; one that only waits to be collected does not."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


async def _always() -> bool:
    return True
