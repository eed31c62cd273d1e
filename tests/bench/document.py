"""The tables and plots of docs/performance.md, from what was measured last."""

import math
from collections.abc import Iterable, Iterator

from tests.bench.figures import HEADINGS, Figure
from tests.bench.plots import plot
from tests.bench.results import Result, read
from tests.shop import ROOT

DOCUMENT = ROOT / "docs" / "performance.md"
SIZE_PLOT, LOAD_PLOT = "docs/performance-size.svg", "docs/performance-load.svg"
BEGIN, END = "<!-- made by scripts/bench -->\n", "<!-- until here -->\n"
COSTS, LATENCIES = "cost", "latency"


def renew(sections: Iterable[str]) -> None:
    """Write everything that has been measured, in full rounds, into the document."""
    found = {section: result for section in sections if (result := read(section))}
    figures = [figure for result in found.values() for figure in result.figures]
    size = "What a read costs, by the size of the catalogue"
    load = "How long an answer takes, by the load"
    plots = (
        _drawn(SIZE_PLOT, size, "products", COSTS, figures, powers_across=True),
        _drawn(LOAD_PLOT, load, "load ÷ peak", LATENCIES, figures, powers_across=False),
    )
    text = DOCUMENT.read_text("utf-8")
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    DOCUMENT.write_text(head + BEGIN + "".join((*plots, *_pages(found))) + END + tail, "utf-8")


def _pages(found: dict[str, Result]) -> Iterator[str]:
    for section, result in found.items():
        at = result.circumstances
        yield f"\n### {section}\n\n"
        yield f"{at['at']}, commit {at['commit']}, {at['processor']}, Python {at['python']}.\n\n"
        yield _row(HEADINGS) + _row(["---"] * len(HEADINGS))
        yield from (_row(figure.cells()) for figure in result.figures if not figure.plot)
    yield "\n"


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |\n"


def _drawn(path: str, title: str, across: str, kind: str, figures: list[Figure], *, powers_across: bool) -> str:
    """Draw a plot where there is something to be seen on it, and show it."""
    curves: dict[str, list[tuple[float, float]]] = {}
    for figure in figures:
        if figure.plot == kind and 0 < figure.value < math.inf:
            curves.setdefault(figure.curve, []).append((figure.at, figure.value))
    if not curves:
        return ""
    (ROOT / path).write_text(plot(title, across, "ms", curves, powers_across=powers_across), "utf-8")
    return f"\n![{title}]({path.removeprefix('docs/')})\n"
