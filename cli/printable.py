"""Text from elsewhere, made safe to show."""


def printable(text: str) -> str:
    """Escape what a terminal would obey, or could not show: names are chosen by others."""
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)
