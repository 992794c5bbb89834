"""Durations as OpenAI writes them in headers: Go's format."""


def format_duration(microseconds: int) -> str:
    """Write a duration, rounded up to a millisecond: `0s`, `20ms`, `1.5s`, `6m0s`."""
    milliseconds = -(-microseconds // 1000)
    if milliseconds == 0:
        return "0s"
    if milliseconds < 1000:
        return f"{milliseconds}ms"
    minutes, milliseconds = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    seconds = f"{milliseconds / 1000:.3f}".rstrip("0").rstrip(".")
    return (
        (f"{hours}h" if hours else "") + (f"{minutes}m" if hours or minutes else "") + f"{seconds}s"
    )
