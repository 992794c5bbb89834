"""`python -m bench`: measure the product against peers and limits, in one run, and print it.

With `--out docs/benchmarks.md` it also writes what docs quote. A part's name measures that part
alone: `product`, `check`, `exactness`, `directory`, `revocation`, `leases`, `serving`. And `model`
measures a model, with options of its own.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from bench import report
from bench.check import measure_checks
from bench.directory import measure_directory
from bench.end_to_end import compare_with_peer
from bench.exactness import measure_exactness
from bench.gateway import compare_gateways
from bench.leases import measure_leases
from bench.product import running_product
from bench.revocation import measure_revocations
from bench.serving import measure_serving


def main() -> None:
    """Run every part, or one."""
    options = _parse_arguments()
    parts = _PARTS if options.what is None else {options.what: _PARTS[options.what]}
    sections = [report.title()]
    for name, measure in parts.items():
        with tempfile.TemporaryDirectory(prefix=f"tessera-{name}-") as folder:
            sections.append(measure(Path(folder), options))
    text = "\n".join(sections)
    print(text)
    if options.out is not None:
        options.out.write_text(text)


def _measure_product(folder: Path, options: argparse.Namespace) -> str:
    _say("Starting the product")
    with running_product(folder) as stack:
        arguments = {"seconds": options.seconds, "rounds": options.rounds, "say": _say}
        comparisons = [
            *compare_gateways(stack, folder, **arguments),
            compare_with_peer(stack, folder, **arguments),
        ]
    if any(comparison.failures for comparison in comparisons):
        raise SystemExit("Some answers were not 200, so the figures do not count")
    return report.show_comparisons(comparisons, options.seconds)


def _measure_check(folder: Path, options: argparse.Namespace) -> str:
    with running_product(folder) as stack:
        costs = measure_checks(
            stack, folder, seconds=options.seconds, rounds=options.rounds, say=_say
        )
    return report.show_checks(costs)


def _measure_directory(folder: Path, options: argparse.Namespace) -> str:
    return report.show_directory(measure_directory(folder, options.keys, _say))


def _measure_exactness(folder: Path, options: argparse.Namespace) -> str:
    return report.show_exactness(measure_exactness(folder, options.minutes, _say), options.minutes)


def _measure_revocation(folder: Path, options: argparse.Namespace) -> str:
    load, count = options.checks_per_second, options.revocations
    return report.show_revocations(measure_revocations(folder, count, load, _say), load)


def _measure_leases(folder: Path, _: argparse.Namespace) -> str:
    return report.show_leases(*measure_leases(folder, _say))


def _measure_serving(folder: Path, options: argparse.Namespace) -> str:
    arguments = {"seconds": options.seconds, "rounds": options.rounds, "say": _say}
    return report.show_serving(measure_serving(folder, **arguments))


_PARTS: Final[Mapping[str, Callable[[Path, argparse.Namespace], str]]] = {
    "product": _measure_product,
    "check": _measure_check,
    "directory": _measure_directory,
    "exactness": _measure_exactness,
    "revocation": _measure_revocation,
    "leases": _measure_leases,
    "serving": _measure_serving,
}


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("what", nargs="?", choices=tuple(_PARTS), help="one part; all where absent")
    parser.add_argument("--seconds", type=float, default=10, help="length of a measurement of load")
    parser.add_argument("--rounds", type=int, default=3, help="measurements of each side")
    parser.add_argument("--keys", type=int, default=1_000_000, help="how many the directory holds")
    parser.add_argument(
        "--minutes", type=float, default=3, help="how long each limit is offered too much"
    )
    parser.add_argument("--revocations", type=int, default=500, help="how many keys to revoke")
    parser.add_argument(
        "--checks-per-second", type=int, default=200, help="load while keys are revoked"
    )
    parser.add_argument("--out", type=Path, help="a file to write the report to")
    return parser.parse_args()


def _say(what: str) -> None:
    print(f"{what} ...", file=sys.stderr, flush=True)
