"""Token ids as the model takes them: its special tokens around them, and no more than its context.

"Head" is where a sequence begins and "tail" where it ends, of its special tokens too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Self

from tokenizers import Tokenizer


@dataclass(frozen=True, slots=True)
class Frame:
    """The special tokens that the model needs before and after each input."""

    head: list[int]
    tail: list[int]

    @classmethod
    def of(cls, tokenizer: Tokenizer) -> Self:
        """Return what the tokenizer's post-processor puts before and after a text.

        Raises:
            ValueError: it changes the text's own tokens.
        """
        whole = tokenizer.encode("a").ids
        bare = tokenizer.encode("a", add_special_tokens=False).ids
        for start in range(len(whole) - len(bare) + 1):
            if whole[start : start + len(bare)] == bare:
                return cls(whole[:start], whole[start + len(bare) :])
        raise ValueError("the tokenizer's post-processor changes the text's own tokens")

    @property
    def tokens(self) -> int:
        """How many they are."""
        return len(self.head) + len(self.tail)

    def complete(self, ids: list[int]) -> list[int]:
        """Add those that are not there."""
        head = [] if ids[: len(self.head)] == self.head else self.head
        tail = [] if ids[len(ids) - len(self.tail) :] == self.tail else self.tail
        return head + ids + tail

    def cut(
        self,
        ids: list[int],
        tokens_max: int,
        end: Literal["head", "tail"],
        prompt: Sequence[int] = (),
    ) -> list[int]:
        """Cut one end of a sequence that is too long, but neither special tokens nor the prompt.

        A prompt, as it is tokenised by itself, is shorter than `tokens_max` with them.
        """
        if end == "tail":
            return ids[: tokens_max - len(self.tail)] + self.tail
        kept = [*self.head, *prompt]
        return kept + ids[len(ids) - (tokens_max - len(kept)) :]
