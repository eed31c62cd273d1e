"""The tables and plots of docs/performance.md, from what was measured last."""

import math
from collections.abc import Collection, Iterable, Iterator

from tests.bench.figures import HEADINGS, Figure
from tests.bench.plots import plot
from tests.bench.results import Result, read
from tests.shop import ROOT

DOCUMENT = ROOT / "docs" / "performance.md"
SIZE_PLOT, LOAD_PLOT = "docs/performance-size.svg", "docs/performance-load.svg"
BEGIN, END = "<!-- made by scripts/bench -->\n", "<!-- until here -->\n"
TITLE = "\n### "
COSTS, LATENCIES = "cost", "latency"


def renew(sections: Collection[str]) -> None:
    """Write everything that has been measured here, in full rounds, into the document; the other sections stay."""
    text = DOCUMENT.read_text("utf-8")
    head, _, rest = text.partition(BEGIN)
    so_far, _, tail = rest.partition(END)
    pages = dict(_pages_of(so_far))
    found = {section: result for section in sections if (result := read(section))}
    pages |= {section: _page(result) for section, result in found.items()}
    figures = [figure for result in found.values() for figure in result.figures]
    size = "What a read costs, by the size of the catalogue"
    load = "How long an answer takes, by the load"
    plots = (
        _drawn(SIZE_PLOT, size, "products", COSTS, figures, powers_across=True),
        _drawn(LOAD_PLOT, load, "load ÷ peak", LATENCIES, figures, powers_across=False),
    )
    shown = (TITLE + section + pages[section] for section in sections if section in pages)
    DOCUMENT.write_text(head + BEGIN + "".join((*plots, *shown)) + "\n" + END + tail, "utf-8")


def _pages_of(text: str) -> Iterator[tuple[str, str]]:
    for page in text.removesuffix("\n").split(TITLE)[1:]:
        section, _, rest = page.partition("\n")
        yield section, f"\n{rest}"


def _page(result: Result) -> str:
    at = result.circumstances
    measured = f"{at['at']}, commit {at['commit']}, {at['processor']}, Python {at['python']}."
    rows = [figure.cells() for figure in result.figures if not figure.plot]
    return f"\n\n{measured}\n\n" + "".join(map(_row, (HEADINGS, ["---"] * len(HEADINGS), *rows)))


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |\n"


def _drawn(path: str, title: str, across: str, kind: str, figures: list[Figure], *, powers_across: bool) -> str:
    """Draw a plot anew where there is something to be seen on it, and show it."""
    curves: dict[str, list[tuple[float, float]]] = {}
    for figure in figures:
        if figure.plot == kind and 0 < figure.value < math.inf:
            curves.setdefault(figure.curve, []).append((figure.at, figure.value))
    if curves:
        (ROOT / path).write_text(plot(title, across, "ms", curves, powers_across=powers_across), "utf-8")
    return f"\n![{title}]({path.removeprefix('docs/')})\n"
