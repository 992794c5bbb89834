"""What goes before a query: the model's prompt, with the task that the query is asked for.

Where prompt and query meet, a tokenizer may make one token of both, so they are tokenised together.
Up to the prompt's last word nothing depends on the query, and that is counted once for each task.
"""

import re
from dataclasses import dataclass, replace
from typing import Final

from tokenizers import Tokenizer

from contract import errors
from contract.embeddings import Query
from contract.errors import ApiError
from contract.models import ModelCard

_KNOWN_MAX: Final = 256
"""Tasks that are remembered: few are ever used with one model."""

_SEAM: Final = re.compile(r".*[A-Za-z]([\t\n\r -/:-@\[-`{-~].*)", re.DOTALL)
"""What follows a prompt's last letter: every tokenizer whose pieces are counted splits there."""


@dataclass(frozen=True, slots=True)
class Prefix:
    """A text before a query, which has so many `tokens` by itself.

    `settled_tokens` of them are of what lies before the `seam`, and the same whatever follows; that
    is unknown where the model's prompt has no such place.
    """

    text: str = ""
    tokens: int = 0
    seam: str = ""
    settled_tokens: int | None = 0


NO_PREFIX: Final = Prefix()


class QueryPrompts:
    """Makes prefixes for one model."""

    def __init__(self, card: ModelCard, tokenizer: Tokenizer, special_tokens: int) -> None:
        """A prefix leaves room for a query in the model's context, besides the special tokens."""
        before, _, after = (card.query_prompt or "").removesuffix("{query}").partition("{task}")
        self._before, self._after = before, after
        self._card = card
        self._tokenizer = tokenizer
        self._tokens_max = card.context_tokens - special_tokens - 1
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
        # Not encode(): it would keep the GIL.
        [encoding] = self._tokenizer.encode_batch_fast([prefix.text], add_special_tokens=False)
        return encoding.ids

    def _find(self, task: str) -> Prefix:
        prefix = self._known.get(task)
        if prefix is None:
            prefix = self._measure(self._before + task + self._after)
            if len(self._known) >= _KNOWN_MAX:
                self._known.clear()
            self._known[task] = prefix
        return prefix

    def _measure(self, text: str) -> Prefix:
        prefix = Prefix(text)
        found = _SEAM.fullmatch(self._after)
        if found is None:
            return replace(prefix, tokens=len(self.ids(prefix)), settled_tokens=None)
        settled = Prefix(text.removesuffix(found[1]))
        tokens = len(self.ids(prefix)), len(self.ids(settled))
        return Prefix(text, tokens[0], found[1], tokens[1])
