"""The command on a terminal, as a person has one."""

import os
import pty
import subprocess
import sys


def on_a_terminal(*words: str, typed: str = "", prompt: str = "") -> str:
    """Run the command, type after the prompt, and return all that the terminal shows."""
    ours, theirs = pty.openpty()
    command = (sys.executable, "-m", "cli", *words)
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        shown = b""
        while chunk := _read(ours):
            shown += chunk
            if typed and prompt.encode() in shown:
                os.write(ours, f"{typed}\n".encode())
                typed = ""
        assert process.wait(timeout=30) == 0, shown
    os.close(ours)
    return shown.decode().replace("\r\n", "\n")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # Linux says so when the last writer is gone
        return b""
