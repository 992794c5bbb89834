"""`tessera model verify`: whether a repository is what was built, and its model too."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final

import numpy as np
import orjson
import typer

from contract.models import tokenizer_file
from inference.command.ask import asked_of_triton, run_here
from inference.command.shown import fail, one_sentence_per_failure, write_table
from inference.command.watched import Watched
from inference.golden import FILE as GOLDEN
from inference.golden import golden_of
from inference.progress import Progress
from inference.repository.layout import Layout
from inference.repository.proving import make_sequences
from inference.repository.store import store
from inference.repository.verification import (
    Check,
    Embed,
    Repository,
    State,
    check_files,
    check_origin,
    check_plan,
    check_vectors,
)

_NO_REPOSITORY: Final = 2


def verify(
    repository: Annotated[
        Path, typer.Argument(metavar="REPOSITORY", help="What `tessera model compile` built.")
    ],
    triton: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="Ask this running Triton, over gRPC."),
    ] = None,
    *,
    quick: Annotated[
        bool, typer.Option("--quick", help="Compare files by size, and run no model.")
    ] = False,
    write_golden: Annotated[
        bool,
        typer.Option("--write-golden", help="Keep the model's vectors, where there are none."),
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Compare a repository's files with their digests, and its model with its golden vectors.

    The model is run here where its engine can be, or asked on a running Triton. What could not be
    checked is said. A repository of an earlier release may have no golden vectors: compile it anew,
    or compare it with a reference yourself, then keep what it gives with --write-golden.
    """
    with one_sentence_per_failure():
        opened = _open(repository)
        progress = Watched()
        checks = [
            *check_files(opened, progress, quick=quick),
            *check_origin(opened, progress),
            *check_plan(opened),
        ]
        if not quick and not any(check.state is State.FAILED for check in checks):
            checks += _check_model(opened, repository, progress, triton, write_golden=write_golden)
    _show(checks, json=json)
    raise typer.Exit(1 if any(check.state is State.FAILED for check in checks) else 0)


def _open(repository: Path) -> Repository:
    try:
        return Repository.read(repository)
    except FileNotFoundError as error:
        fail(f"{repository} is no repository: there is no {error.filename}", _NO_REPOSITORY)
    except ValueError as error:
        fail(f"{repository} is damaged: {error}; build it again with `tessera model compile`")


def _check_model(
    opened: Repository, out: Path, progress: Progress, triton: str | None, *, write_golden: bool
) -> Iterator[Check]:
    """Compare the model with its golden vectors; without any it is run only to make them."""
    if opened.golden is None and not write_golden:
        return check_vectors(opened, "the repository has no golden vectors")
    embed = asked_of_triton(opened, triton) if triton else run_here(opened, progress)
    if opened.golden is None and not isinstance(embed, str):
        opened = _keep_golden(opened, out, embed)
    return check_vectors(opened, embed)


def _keep_golden(opened: Repository, out: Path, embed: Embed) -> Repository:
    """Store the build once more, with what its model gives now."""
    card = opened.card
    tokenizer = tokenizer_file(opened.build / "card")
    sequences = make_sequences(tokenizer, card.context_tokens, card.vocabulary_size)
    given = np.asarray(embed(sequences))
    if not np.isfinite(given).all():
        fail("the model gives vectors that are not finite, so they are not kept")
    vectors = golden_of(
        sequences,
        given,
        opened.serving.variant.precision,
        opened.provenance.tokenizer,
        f"the model itself, {opened.provenance.engine}",
    )
    taken = {path: opened.build / path for path in opened.contents}
    store(Layout({f"card/{GOLDEN}": vectors.dump()}, taken), out)
    return Repository.read(out)


def _show(checks: list[Check], *, json: bool) -> None:
    if json:
        typer.echo(orjson.dumps(checks, option=orjson.OPT_INDENT_2))
        return
    rows = [(check.name, check.state.value, check.detail) for check in checks]
    write_table(("check", "state", ""), rows)
