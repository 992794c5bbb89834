"""Scan whatever the user named: files, folders, standard input, and history if asked."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from cli.scan.files import scan_stream
from cli.scan.findings import Problem, Report
from cli.scan.git import GitError, Repository
from cli.scan.history import scan_history
from cli.scan.pool import scan_all
from cli.scan.progress import Meter
from cli.scan.tree import File, walk

STANDARD_INPUT = "-"


def scan_paths(paths: Iterable[str], *, history: bool, jobs: int, meter: Meter) -> Report:
    """Scan each path, `-` being standard input; the findings come sorted, none twice."""
    named = list(dict.fromkeys(paths))
    trees = [path for path in named if path != STANDARD_INPUT]
    total = Report()
    if STANDARD_INPUT in named:
        total += scan_stream(0, "(standard input)", meter.tick)
    total += _scan_trees(trees, jobs, meter)
    if history:
        total += _scan_histories(trees, meter)
    return replace(
        total,
        findings=tuple(sorted(set(total.findings))),
        problems=tuple(sorted(set(total.problems))),
    )


def _scan_trees(paths: list[str], jobs: int, meter: Meter) -> Report:
    problems: list[Problem] = []

    def files() -> Iterator[File]:
        for path in paths:
            for entry in walk(path):
                if isinstance(entry, Problem):
                    problems.append(entry)
                else:
                    yield entry

    total = Report()
    for report in scan_all(files(), jobs, meter.tick):
        meter.add(report)
        total += report
    return total + Report(problems=tuple(problems))


def _scan_histories(paths: list[str], meter: Meter) -> Report:
    total = Report()
    scanned: set[str] = set()
    for path in paths:
        try:
            repository = Repository.find(path)
        except GitError as error:
            total += Report(problems=(Problem(path, str(error)),))
            continue
        if repository.folder not in scanned:
            scanned.add(repository.folder)
            total += scan_history(repository, meter.add_object)
    return total
