"""What follows a command's help: examples, exit codes."""


def examples(*lines: str) -> str:
    """Lay out command lines for an epilog."""
    return verbatim("Examples:", *lines)


def verbatim(heading: str, *lines: str) -> str:
    """Lay out lines so that none is folded or joined to another."""
    # After \b on a line of its own, click leaves the lines as they are.
    return "\n".join(("\b", heading, *(f"  {line}" for line in lines)))
