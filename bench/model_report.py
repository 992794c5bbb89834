"""A run's findings as Markdown."""

from collections.abc import Iterator

from bench.model_findings import Findings
from bench.model_machine import memory_gib
from bench.model_messages import Measured
from bench.model_shape import flop_per_token
from bench.model_work import Work, parity_lengths


def write_report(findings: Findings, plot: str | None) -> str:
    """Return the page; `plot` is the file of the plot, beside it."""
    return "\n".join(_lines(findings, plot)) + "\n"


def _lines(findings: Findings, plot: str | None) -> Iterator[str]:
    config = findings.config
    yield "# A model from end to end"
    yield ""
    yield f"`python -m bench model --shape {findings.shape}` built, checked and measured all of"
    yield "this in one run; the weights are random."
    yield ""
    yield f"- Machine: {findings.device}; {memory_gib():.0f} GiB of memory"
    yield f"- Libraries: {findings.libraries}"
    yield (
        f"- Model: {config.layers} layers of width {config.width}, {config.heads} heads,"
        f" {config.kv_heads} of keys; {flop_per_token(config, 0) / 1e9:.3g} GFLOP a token,"
        f" and {flop_per_token(config, 1) - flop_per_token(config, 0):,.0f} FLOP"
        " for each token of its sequence"
    )
    yield ""
    yield from _steps(findings)
    yield from _rates(findings, plot)
    yield from _waits(findings)
    yield from _parity(findings)


def _steps(findings: Findings) -> Iterator[str]:
    yield "## What ran, and what did not"
    yield ""
    yield "| step | |"
    yield "|---|---|"
    for step, outcome in findings.steps.items():
        yield f"| {step} | {outcome} |"
    for each in findings.measured:
        yield f"| {each.name} | {each.outcome} |"
    yield ""


def _rates(findings: Findings, plot: str | None) -> Iterator[str]:
    rates = findings.matrix.items()
    yield "## Tokens a second"
    yield ""
    if rates:
        yield f"The ceiling is the matrix rate of {findings.ceiling_of}, measured in the same run:"
        yield f"{', '.join(f'{rate / 1e12:.4g} TFLOP/s in {name}' for name, rate in rates)}."
        yield ""
    yield f"| tokens in a sequence | {' | '.join(work.name for work in findings.works)} |"
    yield f"|---{'|---' * len(findings.works)}|"
    for name in findings.matrix:
        ceilings = (findings.ceiling(name, work) or 0 for work in findings.works)
        yield f"| ceiling in {name} | {' | '.join(f'{each:,.0f}' for each in ceilings)} |"
    for each in findings.timed:
        cells = (_rate(findings, each, work) for work in findings.works)
        yield f"| {each.name} | {' | '.join(cells)} |"
    yield ""
    if plot is not None:
        yield f"![Share of the ceiling by the length of sequences]({plot})"
        yield ""


def _rate(findings: Findings, measured: Measured, work: Work) -> str:
    share = findings.share(measured, work)
    told = "" if share is None else f" ({share:.0%})"
    return f"{measured.rates[work.name]:,.0f}{told}"


def _waits(findings: Findings) -> Iterator[str]:
    yield "## What a query waits while bulk load runs"
    yield ""
    yield "Queries arrive at random, 20 a second, and go before the next batch of mixed bulk."
    yield ""
    yield "| engine | queries | p50 ms | p99 ms | bulk tokens/s beside them |"
    yield "|---|---|---|---|---|"
    for each in findings.timed:
        if (waits := each.waits) is not None:
            yield (
                f"| {each.name} | {waits.queries} | {waits.p50_ms:.1f} | {waits.p99_ms:.1f}"
                f" | {waits.bulk_tokens_per_second:,.0f} |"
            )
    yield ""


def _parity(findings: Findings) -> Iterator[str]:
    reference = findings.reference()
    longest = max(parity_lengths(findings.config))
    yield "## Parity"
    yield ""
    if reference is None:
        yield "**Not compared**: neither transformers nor PyTorch gave vectors in fp32."
        return
    yield f"Sequences of 1 to {longest} tokens, compared with {reference.name}."
    yield ""
    yield "| engine | least cosine | greatest error | bar | |"
    yield "|---|---|---|---|---|"
    for each in findings.parities():
        verdict = "holds" if each.holds else "**fails**"
        yield (
            f"| {each.name} | {each.cosine_min:.7f} | {each.error_max:.1e}"
            f" | {each.bar} | {verdict} |"
        )
