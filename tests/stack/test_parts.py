"""What must be installed before a stack can start."""

import pytest

from stack import parts
from stack.errors import MissingPartError


def test_everything_that_the_stack_needs_is_installed() -> None:
    """The locked requirements hold all of it."""
    parts.check()


def test_a_missing_requirement_is_named_with_its_remedy() -> None:
    """The name is the one that is installed, not the one that is imported."""
    with pytest.raises(MissingPartError, match=r"no-such-wheel is not installed; .*make up"):
        parts.folder_of("no_such_module", "no-such-wheel")
