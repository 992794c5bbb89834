"""Whether a repository is what was built, and its model what was compiled."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from contract.models import ModelCard, tokenizer_file
from inference.checkpoint.digests import Digests
from inference.golden import Golden, Vectors
from inference.progress import Progress
from inference.provenance import Provenance
from inference.repository import manifest
from inference.repository.loadable import judge_plan
from inference.repository.manifest import Entry, Manifest
from inference.repository.store import CURRENT
from inference.serving import Serving

_CARD: Final = "card"
_MADE_BY_PYTHON: Final = "__pycache__"

Embed = Callable[[list[list[int]]], Vectors]
"""Runs token ids through a model, wherever it is."""


class State(StrEnum):
    """How a check ended."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True, slots=True)
class Check:
    """One check, and what is to be said of it."""

    name: str
    state: State
    detail: str


@dataclass(frozen=True, slots=True)
class Repository:
    """What a repository says of itself."""

    build: Path
    card: ModelCard
    serving: Serving
    provenance: Provenance
    golden: Golden | None
    contents: Manifest

    @classmethod
    def read(cls, out: Path) -> "Repository":
        """Read the build in use.

        Raises:
            OSError: there is none.
            ValueError: it is damaged.
        """
        build = (out / CURRENT).resolve()
        card = build / _CARD
        return cls(
            build=build,
            card=ModelCard.read(card),
            serving=Serving.read(card),
            provenance=Provenance.read(card),
            golden=Golden.read(card),
            contents=manifest.read_manifest(build),
        )


def check_files(repository: Repository, progress: Progress, *, quick: bool) -> Iterator[Check]:
    """Compare files with what was written: sizes, and unless `quick` every byte."""
    digests = None if quick else Digests()
    damaged = [
        path
        for path, entry in repository.contents.items()
        if not _is_whole(repository.build / path, entry, digests, progress)
    ]
    strange = sorted(_find_strange(repository))
    if damaged:
        yield Check(
            "files", State.FAILED, f"missing or changed: {', '.join(damaged)}; compile again"
        )
    if strange:
        yield Check("files", State.FAILED, f"not of this build, remove: {', '.join(strange)}")
    if not damaged and not strange:
        how = "by size" if quick else "byte for byte"
        yield Check("files", State.PASSED, f"{len(repository.contents)} files, compared {how}")


def _find_strange(repository: Repository) -> Iterator[str]:
    """Yield files that nobody built: Triton would serve a second version in the first's place."""
    known = {manifest.FILE, *repository.contents}
    for file in repository.build.rglob("*"):
        path = file.relative_to(repository.build)
        if not file.is_dir() and _MADE_BY_PYTHON not in path.parts and str(path) not in known:
            yield str(path)


def _is_whole(file: Path, entry: Entry, digests: Digests | None, progress: Progress) -> bool:
    if not file.is_file() or file.stat().st_size != entry.size:
        return False
    return digests is None or digests.of(file, progress) == entry.sha256


def check_origin(repository: Repository, progress: Progress) -> Iterator[Check]:
    """Compare what the parts say of each other."""
    origin, serving, golden = repository.provenance, repository.serving, repository.golden
    wrong = []
    if origin.fingerprint != serving.fingerprint:
        wrong.append(f"the fingerprint is {serving.fingerprint}, not {origin.fingerprint}")
    file = tokenizer_file(repository.build / _CARD)
    tokenizer = Digests().of(file, progress) if file.is_file() else None
    if tokenizer != origin.tokenizer or (golden and tokenizer != golden.tokenizer):
        wrong.append("the tokenizer is not the one that the vectors were made with")
    state = State.FAILED if wrong else State.PASSED
    yield Check("origin", state, "; ".join(wrong) or f"fingerprint {origin.fingerprint}")


def check_plan(repository: Repository) -> Iterator[Check]:
    """Say so where Triton cannot load the model; no more is known of it here."""
    if (reason := judge_plan(repository.provenance)) is not None:
        yield Check("engine", State.FAILED, reason)


def check_vectors(repository: Repository, embed: Embed | str) -> Iterator[Check]:
    """Compare the model's answers with its golden vectors; a text says why it cannot be asked."""
    golden = repository.golden
    if golden is None:
        yield Check("vectors", State.NOT_CHECKED, "the repository has no golden vectors")
    elif isinstance(embed, str):
        yield Check("vectors", State.NOT_CHECKED, embed)
    else:
        difference = golden.differs(embed([list(ids) for ids in golden.sequences]))
        told = f"{len(golden.sequences)} vectors are those that {golden.made_by} gave"
        state = State.FAILED if difference else State.PASSED
        yield Check("vectors", state, difference or told)
