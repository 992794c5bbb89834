"""What goes before a query: the model's prompt, with the task that the query is asked for.

Where prompt and query meet, a tokenizer may make one token of both, so they are tokenised together.
Up to the prompt's last word nothing depends on the query, and that is tokenised once for each task.
"""

import re
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tokenizers import Tokenizer

from contract import errors
from contract.embeddings import EmbeddingsRequest, Query, Texts
from contract.errors import ApiError
from contract.models import ModelCard

_KNOWN_MAX: Final = 256
"""Tasks that are remembered: few are ever used with one model."""

_SEAM: Final = re.compile(r".*[A-Za-z]([\t\n\r -/:-@\[-`{-~].*)", re.DOTALL)
"""What follows a prompt's last letter: every tokenizer whose pieces are counted splits there."""


@dataclass(frozen=True, slots=True)
class Prefix:
    """A text before a query, which has so many `tokens` by itself.

    The `settled` ids are of its beginning, and the same whatever follows. Only the `seam` after
    that is tokenised with each query: all of the text where nothing of it is settled.
    """

    text: str = ""
    tokens: int = 0
    seam: str = ""
    settled: Sequence[int] = ()


NO_PREFIX: Final = Prefix()


def prompt_characters(request: EmbeddingsRequest, card: ModelCard) -> int:
    """Return the length of all prompts: one goes before each text, so a few bytes ask for many."""
    if not isinstance(request.inputs, Texts) or (query := request.inputs.query) is None:
        return 0
    task = query.instruction or card.default_task or ""
    return len(request.inputs.items) * (len(card.query_prompt or "") + len(task))


class QueryPrompts:
    """Makes prefixes for one model."""

    def __init__(
        self, card: ModelCard, tokenizer: Tokenizer, special_tokens: int, *, splits_at_words: bool
    ) -> None:
        """A prefix leaves room for a query in the model's context, besides the special tokens.

        Nothing is settled by a tokenizer that is not known to end its tokens where words end.
        """
        before, _, after = (card.query_prompt or "").removesuffix("{query}").partition("{task}")
        self._before, self._after = before, after
        self._card = card
        self._tokenizer = tokenizer
        self._tokens_max = card.context_tokens - special_tokens - 1
        self._splits_at_words = splits_at_words
        self._known: dict[str, Prefix] = {}

    def make(self, query: Query | None) -> Prefix | ApiError:
        """Return what goes before a text."""
        if query is None:
            return NO_PREFIX
        param = "input_type" if query.instruction is None else "instruction"
        if self._card.default_task is None:
            message = (
                f"The model `{self._card.id}` has no prompt for queries: send them without "
                "input_type and instruction"
            )
            return errors.invalid_parameter(param, message)
        task = self._card.default_task if query.instruction is None else query.instruction
        if self._before and task.startswith(self._before.rstrip()):
            message = f"Send the task alone: '{self._before.rstrip()}' is put before it"
            return errors.invalid_parameter(param, message)
        prefix = self._find(task)
        if prefix.tokens > self._tokens_max:
            message = (
                f"With {prefix.tokens} tokens the prompt leaves no room for a query in this "
                f"model's maximum context length of {self._card.context_tokens} tokens"
            )
            return errors.invalid_parameter(param, message)
        return prefix

    def ids(self, prefix: Prefix) -> list[int]:
        """Return a prefix's own tokens."""
        return self._encode(prefix.text)

    def _find(self, task: str) -> Prefix:
        prefix = self._known.get(task)
        if prefix is None:
            prefix = self._measure(self._before + task + self._after)
            if len(self._known) >= _KNOWN_MAX:
                self._known.clear()
            self._known[task] = prefix
        return prefix

    def _measure(self, text: str) -> Prefix:
        tokens = len(self._encode(text))
        found = _SEAM.fullmatch(self._after) if self._splits_at_words else None
        if found is None:
            return Prefix(text, tokens, seam=text)
        settled = self._encode(text.removesuffix(found[1]))
        return Prefix(text, tokens, found[1], array("i", settled))  # a ninth of a list's memory

    def _encode(self, text: str) -> list[int]:
        # Not encode(): it would keep the GIL.
        [encoding] = self._tokenizer.encode_batch_fast([text], add_special_tokens=False)
        return encoding.ids
