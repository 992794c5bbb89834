"""What a model's folder says of where its vectors come from."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from inference.golden import Golden
from inference.serving import Serving


@dataclass(frozen=True, slots=True)
class Origin:
    """How the model is served, and vectors to recognise it by.

    A folder that holds a card and a tokenizer alone says neither.
    """

    serving: Serving | None
    golden: Golden | None

    @property
    def fingerprint(self) -> str | None:
        """The name of all that vectors depend on."""
        return self.serving.fingerprint if self.serving else None

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read a card's folder.

        Raises:
            OSError: a file cannot be read.
            ValueError: one is damaged.
        """
        try:
            serving = Serving.read(folder)
        except FileNotFoundError:
            serving = None
        return cls(serving, Golden.read(folder))
