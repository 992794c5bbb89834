"""`make bench`: measure everything in one run and print it.

`python -m bench --out docs/benchmarks.md` also writes what docs quote.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from bench.end_to_end import compare_with_peer
from bench.gateway import compare_gateways
from bench.product import running_product
from bench.report import render


def main() -> None:
    """Run every comparison on one stack."""
    options = _parse_arguments()
    with tempfile.TemporaryDirectory(prefix="tessera-bench-") as name:
        folder = Path(name)
        _say("Starting the product")
        with running_product(folder) as stack:
            arguments = {"seconds": options.seconds, "rounds": options.rounds, "say": _say}
            comparisons = [
                *compare_gateways(stack, folder, **arguments),
                compare_with_peer(stack, folder, **arguments),
            ]
    report = render(comparisons, options.seconds)
    print(report)
    if options.out is not None:
        options.out.write_text(report)
    if any(comparison.failures for comparison in comparisons):
        raise SystemExit("Some answers were not 200, so the figures above do not count")


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--seconds", type=float, default=10, help="length of a measurement")
    parser.add_argument("--rounds", type=int, default=3, help="measurements of each side")
    parser.add_argument("--out", type=Path, help="a file to write the report to")
    return parser.parse_args()


def _say(what: str) -> None:
    print(f"{what} ...", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
