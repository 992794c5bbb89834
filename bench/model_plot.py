"""A plot of shares of the ceiling, as SVG written by hand: one line an engine."""

from collections.abc import Iterator, Sequence
from html import escape
from typing import Final

from bench.model_findings import Findings
from bench.model_messages import Measured

_WIDTH: Final = 720
_HEIGHT: Final = 400
_LEFT, _RIGHT, _TOP, _BOTTOM = 60, 20, 40, 60
_COLOURS: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Okabe and Ito's, which the colour-blind tell apart."""
_GOAL: Final = 0.7


def draw_shares(findings: Findings) -> str:
    """Return the plot's file."""
    view = f'viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" font-size="12"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {view}>',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
        _text(_LEFT, 20, f"Share of the ceiling: {findings.device}", "start"),
        *_axes([work.name for work in findings.works]),
    ]
    for number, measured in enumerate(findings.timed):
        lines += _line(findings, measured, number)
    return "\n".join([*lines, "</svg>\n"])


def _axes(names: Sequence[str]) -> Iterator[str]:
    for tenths in range(0, 11, 2):
        y = _y(tenths / 10)
        yield _stroke([(_LEFT, y), (_WIDTH - _RIGHT, y)], "#ddd")
        yield _text(_LEFT - 8, y + 4, f"{tenths * 10} %", "end")
    goal = _y(_GOAL)
    yield _stroke([(_LEFT, goal), (_WIDTH - _RIGHT, goal)], "#999", "4 4")
    for place, name in enumerate(names):
        yield _text(_x(place, len(names)), _HEIGHT - _BOTTOM + 18, name, "middle")
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    yield _text(middle, _HEIGHT - _BOTTOM + 36, "tokens in a sequence", "middle")


def _line(findings: Findings, measured: Measured, number: int) -> Iterator[str]:
    colour = _COLOURS[number % len(_COLOURS)]
    points = []
    for place, work in enumerate(findings.works):
        if (share := findings.share(measured, work)) is not None:
            points.append((_x(place, len(findings.works)), _y(min(share, 1))))
    yield _stroke(points, colour, width=2)
    for x, y in points:
        yield f'<circle cx="{x:.0f}" cy="{y:.0f}" r="3" fill="{colour}"/>'
    below = _HEIGHT - 8
    x = _LEFT + number * (_WIDTH - _LEFT - _RIGHT) / max(3, len(findings.timed))
    yield f'<circle cx="{x + 4:.0f}" cy="{below - 4}" r="4" fill="{colour}"/>'
    yield _text(x + 12, below, measured.name, "start")


def _stroke(
    points: Sequence[tuple[float, float]], colour: str, dashes: str = "none", width: int = 1
) -> str:
    path = " ".join(f"{x:.0f},{y:.0f}" for x, y in points)
    return (
        f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}"'
        f' stroke-dasharray="{dashes}"/>'
    )


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}">{escape(text)}</text>'


def _x(place: int, places: int) -> float:
    return _LEFT + (place + 0.5) * (_WIDTH - _LEFT - _RIGHT) / places


def _y(share: float) -> float:
    return _TOP + (1 - share) * (_HEIGHT - _TOP - _BOTTOM)
