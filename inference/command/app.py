"""The commands, together."""

import logging

import structlog
import typer

from inference.command.compile import compile_model
from inference.command.inspect import inspect
from inference.command.verify import verify

app = typer.Typer(
    help="Models: what a checkpoint is, and what is made of it.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    rich_markup_mode=None,
)


def _after(codes: tuple[str, ...], examples: tuple[str, ...]) -> str:
    """Lay out what follows a command's help, as it stands."""
    # After \b on a line of its own, click leaves the lines as they are.
    blocks = (("Exit codes:", codes), ("Examples:", examples))
    return "\n\n".join(
        "\n".join(("\b", heading, *(f"  {line}" for line in lines))) for heading, lines in blocks
    )


@app.callback()
def model() -> None:
    """Models: what a checkpoint is, and what is made of it."""


app.command(
    "inspect",
    epilog=_after(
        ("0  it can be used", "1  it cannot, or there are problems"),
        (
            "tessera model inspect ~/models/Qwen3-Embedding-8B",
            "tessera model inspect --quick --json . | jq .parameters",
        ),
    ),
)(inspect)
app.command(
    "compile",
    epilog=_after(
        ("0  done", "1  it cannot be done; nothing that was there has changed"),
        (
            "tessera model compile ~/models/Qwen3-Embedding-8B --engine tensorrt --out /srv/model",
            "tessera model compile . --engine torch --out /srv/model --tokens-max 8192",
            "tessera model compile . --engine tensorrt --target sm89 --out /srv/sm89",
        ),
    ),
)(compile_model)
app.command(
    "verify",
    epilog=_after(
        (
            "0  nothing is wrong with what could be checked",
            "1  something is wrong",
            "2  there is no repository",
        ),
        (
            "tessera model verify /srv/model",
            "tessera model verify /srv/model --triton 127.0.0.1:8001",
        ),
    ),
)(verify)


def main(arguments: list[str]) -> None:
    """Run a command; what TensorRT says beside its errors is nobody's concern here."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    app(arguments, prog_name="tessera model")
