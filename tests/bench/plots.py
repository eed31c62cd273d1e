"""Plots as SVG, by hand: two axes by powers of ten, a few curves, and colours for light and dark pages alike."""

import math
from collections.abc import Iterator, Mapping, Sequence
from html import escape

Points = Sequence[tuple[float, float]]
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 760, 420, 64, 240, 40, 48
COLOURS = ("#0969da", "#bc4c00", "#1a7f37", "#8250df", "#bf3989", "#9a6700", "#1b7c83", "#cf222e", "#57606a", "#4d2d00")
STYLE = """
  text { font: 12px system-ui, sans-serif; fill: #424a53; } .title { font-size: 15px; font-weight: 600; }
  .grid { stroke: #8c959f; stroke-opacity: .3; } .curve { fill: none; stroke-width: 2; }
  @media (prefers-color-scheme: dark) { text { fill: #c9d1d9; } }
"""


class Axis:
    """One direction of a plot: powers of ten from the least to the largest value, or even steps."""

    def __init__(self, values: Sequence[float], start: float, end: float, *, by_powers: bool) -> None:
        self._scale = math.log10 if by_powers else float
        low, high = self._scale(min(values)), self._scale(max(values))
        if by_powers:
            low, high = math.floor(low), max(math.ceil(high), math.floor(low) + 1)
            self.ticks = [10.0**power for power in range(int(low), int(high) + 1)]
        else:
            self.ticks = sorted(set(values))
        self._low, self._span = low, high - low or 1.0
        self._start, self._length = start, end - start

    def place(self, value: float) -> float:
        """Where a value lies."""
        return self._start + (self._scale(value) - self._low) / self._span * self._length


def plot(title: str, across: str, up: str, curves: Mapping[str, Points], *, powers_across: bool) -> str:
    """The curves as an SVG document."""
    points = [point for curve in curves.values() for point in curve]
    x_axis = Axis([x for x, _ in points], LEFT, WIDTH - RIGHT, by_powers=powers_across)
    y_axis = Axis([y for _, y in points], HEIGHT - BOTTOM, TOP, by_powers=True)
    named = f'viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {named}>',
        f"<style>{STYLE}</style>",
        _text(LEFT, 20, title, "title"),
        _text(LEFT, HEIGHT - 8, across),
        _text(8, TOP - 8, up),
        *_grid(x_axis, y_axis),
        *_drawn(curves, x_axis, y_axis),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _grid(x_axis: Axis, y_axis: Axis) -> Iterator[str]:
    for tick in y_axis.ticks:
        y = y_axis.place(tick)
        yield f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield _text(LEFT - 6, y + 4, _short(tick), anchor="end")
    for tick in x_axis.ticks:
        yield _text(x_axis.place(tick), HEIGHT - BOTTOM + 18, _short(tick), anchor="middle")


def _drawn(curves: Mapping[str, Points], x_axis: Axis, y_axis: Axis) -> Iterator[str]:
    for number, (name, points) in enumerate(curves.items()):
        colour = COLOURS[number % len(COLOURS)]
        places = [(x_axis.place(x), y_axis.place(y)) for x, y in sorted(points)]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        yield f'<polyline class="curve" stroke="{colour}" points="{line}"/>'
        yield from (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in places)
        height = TOP + 14 + 20 * number
        yield f'<rect x="{WIDTH - RIGHT + 20}" y="{height - 9}" width="12" height="10" fill="{colour}"/>'
        yield _text(WIDTH - RIGHT + 38, height, name)


def _text(x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> str:
    marked = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{marked}>{escape(words)}</text>'


def _short(value: float) -> str:
    for size, letter in ((1e6, " M"), (1e3, " k")):
        if value >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"
