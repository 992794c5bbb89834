"""Write a report for people and for programs. Whatever goes out is redacted, file names too."""

import json
from typing import Final

from rich import box
from rich.console import Console
from rich.filesize import decimal
from rich.table import Table
from rich.text import Text

from cli.printable import printable
from cli.scan.findings import Finding, Report, redact

_COMMIT_LENGTH: Final = 12
_NO_FILE: Final = "(text of a commit or tag)"


def to_json(report: Report) -> str:
    """Write a report as one JSON object; absent values are null."""
    document = {
        "findings": [
            {
                "repository": finding.repository or None,
                "file": finding.file or None,
                "line": finding.line,
                "column": finding.column,
                "commit": finding.commit or None,
                "key": finding.masked,
                "fingerprint": finding.fingerprint,
            }
            for finding in report.findings
        ],
        "problems": [
            {"path": problem.path or None, "reason": problem.reason} for problem in report.problems
        ],
        "near_misses": report.near_misses,
        "files": report.files,
        "objects": report.objects,
        "bytes": report.size_bytes,
    }
    return redact(json.dumps(document, indent=2)) + "\n"


def write_table(report: Report, console: Console) -> None:
    """Print a line for each finding, and nothing if there is none."""
    if not report.findings:
        return
    with_commits = any(finding.commit or finding.repository for finding in report.findings)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("where", overflow="fold")
    if with_commits:
        table.add_column("commit", no_wrap=True)
    table.add_column("key", no_wrap=True)
    table.add_column("fingerprint", no_wrap=True)
    for finding in report.findings:
        commit = [finding.commit[:_COMMIT_LENGTH]] if with_commits else []
        table.add_row(Text(_place(finding)), *commit, finding.masked, finding.fingerprint)
    console.print(table)


def write_summary(report: Report, console: Console, *, verbose: bool) -> None:
    """Print what could not be read, and the figures."""
    for problem in report.problems:
        _print(console, ": ".join(filter(None, ("tessera", problem.path, problem.reason))))
    keys = len({finding.fingerprint for finding in report.findings})
    found = f"{_count(keys, 'key')} in {_count(len(report.findings), 'place')}"
    scanned = [_count(report.files, "file")]
    scanned += [_count(report.objects, "git object")] if report.objects else []
    _print(
        console,
        f"{found if keys else 'No Tessera key'} found in {', '.join(scanned)}"
        f" ({decimal(report.size_bytes)}).",
    )
    if verbose:
        _print(console, f"With a key's form and a wrong checksum: {report.near_misses:,}.")
    if report.problems:
        _print(
            console, f"Not everything was read: {_count(len(report.problems), 'problem')} above."
        )


def _place(finding: Finding) -> str:
    file = finding.file or _NO_FILE
    where = f"{finding.repository}: {file}" if finding.repository else file
    return f"{printable(redact(where))}:{finding.line}:{finding.column}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _print(console: Console, text: str) -> None:
    console.print(Text(printable(redact(text))), soft_wrap=True)
