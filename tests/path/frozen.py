"""A part that hangs: its connections stay open, and nothing answers on them."""

import contextlib
from collections.abc import Iterator

import psutil

from stack.launch import RunningStack


@contextlib.contextmanager
def frozen(stack: RunningStack, name: str) -> Iterator[None]:
    """Stop a process and all its children where they stand, and let them go on at the end."""
    parent = psutil.Process(stack.pid(name))
    processes = [parent, *parent.children(recursive=True)]
    try:
        for process in processes:
            process.suspend()
        yield
    finally:
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.resume()
