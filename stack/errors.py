"""What stops a stack from starting, said in a sentence to the person at the terminal."""


class StackError(Exception):
    """The stack cannot go on; the text is complete and needs no traceback."""


class MissingPartError(StackError):
    """A requirement is not installed."""

    def __init__(self, part: str) -> None:
        super().__init__(f"{part} is not installed; install the requirements first: make up")
