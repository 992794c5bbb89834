"""The card of a checkpoint that nobody has pinned: what its own files say of it."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from contract.models import ModelCard
from inference.checkpoint.folder import Checkpoint
from inference.checkpoint.qwen3 import Qwen3Config
from inference.checkpoint.safetensors import CheckpointError

_DIMENSIONS_MIN: Final = 32
_CONTEXT_TOKENS_MAX: Final = 32_768
"""What Qwen3's embedding models are published for; their tables of positions go further."""
_OWNER: Final = "tessera"
_QUERY_PROMPT: Final = "Instruct: {task}\nQuery:{query}"
_TASK: Final = "Given a web search query, retrieve relevant passages that answer the query"
_CACHED: Final = re.compile(r"models--([\w.-]+?)--([\w.-]+)")
"""How Hugging Face's cache calls the folder of a model."""
_ID: Final = re.compile(r"[\w.-]+(/[\w.-]+)*")


def card_of(
    checkpoint: Checkpoint,
    called: str | None = None,
    context_tokens: int | None = None,
    *,
    aliases: Sequence[str] = (),
    token_ids_accepted: bool = True,
) -> ModelCard:
    """Return the card under which a checkpoint is served.

    Raises:
        CheckpointError: the model cannot be called or used so.
        OSError: its folder cannot be read.
    """
    config = checkpoint.config
    name = called or guess_id(checkpoint.folder)
    for each in (name, *aliases):
        if not _ID.fullmatch(each):
            raise CheckpointError(
                f"{each!r} is no model's id: name one of letters, digits, '-', '_', '.', '/'"
            )
    context = context_tokens or min(config.context_tokens, _CONTEXT_TOKENS_MAX)
    if context > config.context_tokens:
        raise CheckpointError(
            f"{checkpoint.folder} has {config.context_tokens} positions, not {context}"
        )
    prompted = isinstance(config, Qwen3Config)
    return ModelCard(
        id=name,
        aliases=tuple(aliases),
        context_tokens=context,
        dimensions_min=min(_DIMENSIONS_MIN, config.width),
        dimensions_max=config.width,
        vocabulary_size=config.vocabulary_size,
        created=int((checkpoint.folder / "config.json").stat().st_mtime),
        owned_by=_OWNER,
        query_prompt=_QUERY_PROMPT if prompted else None,
        default_task=_TASK if prompted else None,
        token_ids_accepted=token_ids_accepted,
    )


def guess_id(folder: Path) -> str:
    """Return what a checkpoint is probably called, from where it lies."""
    absolute = folder.absolute()
    for part in reversed(absolute.parts):
        if (cached := _CACHED.fullmatch(part)) is not None:
            return f"{cached[1]}/{cached[2]}"
    return absolute.name
