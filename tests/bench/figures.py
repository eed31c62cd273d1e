"""Figures: what was measured, what was wanted of it, and whether it is met."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One number; `wanted` is its least (with `at_most` its largest) value, `reach` what to aim for.

    One with a `plot` is a point of its `curve`, drawn `at` so many products or so much load.
    """

    name: str
    value: float
    unit: str = "×"
    wanted: float | None = None
    reach: float | None = None
    at_most: bool = False
    note: str = ""
    plot: str = ""
    curve: str = ""
    at: float = 0.0

    @property
    def met(self) -> str:
        """`reached`, `yes` or `no`; nothing where nothing is wanted."""
        if self.wanted is None:
            return ""
        if self.reach is not None and self._is_good(self.reach):
            return "reached"
        return "yes" if self._is_good(self.wanted) else "no"

    def cells(self) -> tuple[str, ...]:
        """The figure as a row of a table."""
        bounds = (self._bound(self.wanted), self._bound(self.reach))
        return (self.name, f"{_number(self.value)} {self.unit}", *bounds, self.met, self.note)

    def _is_good(self, bound: float) -> bool:
        return self.value <= bound if self.at_most else self.value >= bound

    def _bound(self, bound: float | None) -> str:
        return "" if bound is None else f"{'≤' if self.at_most else '≥'} {_number(bound)}"


HEADINGS = ("figure", "measured", "wanted", "reach", "met", "note")


def table(figures: list[Figure]) -> str:
    """The figures for a terminal."""
    rows = [HEADINGS, *(figure.cells() for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS) - 1)]
    padded = ([cell.ljust(width) for cell, width in zip(row, [*widths, 0], strict=True)] for row in rows)
    return "\n".join("  ".join(row).rstrip() for row in padded)


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
