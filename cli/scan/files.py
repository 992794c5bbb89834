"""Scan files, a batch at a time."""

import os
import stat
from collections.abc import Callable, Iterable
from typing import Final

from cli.scan.findings import Problem, Report, Scan, place
from cli.scan.scanner import Read, Scanner
from cli.scan.tree import File, reason

# What was a regular file when it was listed may be a link or a pipe by now.
_LISTED: Final = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
_GIVEN: Final = os.O_RDONLY | os.O_CLOEXEC


def scan_files(files: Iterable[File]) -> Report:
    """Read every file; one that cannot be read becomes a problem of the report."""
    scanner = Scanner()
    findings, problems = [], []
    count = near_misses = size = 0
    for file in files:
        try:
            scan = _scan_file(scanner, file)
        except OSError as error:
            problems.append(Problem(file.path, reason(error)))
            continue
        findings += [place(sighting, file.path) for sighting in scan.sightings]
        count += 1
        near_misses += scan.near_misses
        size += scan.size_bytes
    return Report(tuple(findings), tuple(problems), near_misses, files=count, size_bytes=size)


def scan_stream(descriptor: int, name: str, tick: Callable[[], None]) -> Report:
    """Scan what can be read only once, such as standard input."""
    read = reader(descriptor)

    def read_and_tick(view: memoryview) -> int:
        tick()
        return read(view)

    try:
        scan = Scanner().scan(read_and_tick)
    except OSError as error:
        return Report(problems=(Problem(name, reason(error)),))
    return Report(
        tuple(place(sighting, name) for sighting in scan.sightings),
        near_misses=scan.near_misses,
        files=1,
        size_bytes=scan.size_bytes,
    )


def reader(descriptor: int) -> Read:
    """Read from a descriptor into a buffer."""
    # Reading, not mapping: a mapped file that is cut short meanwhile kills the process.
    return lambda view: os.readv(descriptor, [view])


def _scan_file(scanner: Scanner, file: File) -> Scan:
    descriptor = os.open(file.path, _GIVEN if file.given else _LISTED)
    try:
        read = reader(descriptor)
        if file.given and not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return scanner.scan(read)
        if not scanner.mentions_prefix(read):
            return Scan(size_bytes=os.lseek(descriptor, 0, os.SEEK_CUR))
        os.lseek(descriptor, 0, os.SEEK_SET)
        return scanner.scan(read)
    finally:
        os.close(descriptor)
