"""What the benchmarks make of what they measured; they themselves are run by `./scripts/bench`."""

import math
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.bench import document, results
from tests.bench.__main__ import sections
from tests.bench.figures import Figure, table
from tests.bench.openloop import due
from tests.bench.plots import plot
from tests.bench.stores import Server


@pytest.mark.parametrize(
    ("figure", "met"),
    [
        (Figure("a", 0.3, wanted=0.25, reach=0.4), "yes"),
        (Figure("a", 0.4, wanted=0.25, reach=0.4), "reached"),
        (Figure("a", 0.2, wanted=0.25, reach=0.4), "no"),
        (Figure("a", 2.0, wanted=2.5, at_most=True), "yes"),
        (Figure("a", math.inf, wanted=2.5, at_most=True), "no"),
        (Figure("a", 2.0), ""),
    ],
)
def test_a_figure_knows_whether_it_is_what_was_wanted(figure: Figure, met: str) -> None:
    assert figure.met == met
    assert met in table([figure]).splitlines()[1]


def test_clients_come_when_it_is_their_time_and_not_when_it_is_the_next_ones() -> None:
    assert due(0, 0.009, rate=100) == []
    assert due(0, 0.01, rate=100) == [0.01]
    assert due(1, 0.035, rate=100) == [0.02, 0.03]


def test_a_plot_is_a_picture_with_a_curve_for_each_name() -> None:
    curves = {"list & search": [(10.0, 1.0), (1000.0, 2.0)], "slug": [(10.0, 0.5), (1000.0, 0.5)]}
    picture = ET.fromstring(plot("cost", "products", "ms", curves, powers_across=True))
    assert len(picture.findall("{http://www.w3.org/2000/svg}polyline")) == 2
    assert "list & search" in [text.text for text in picture.iter("{http://www.w3.org/2000/svg}text")]


def test_the_document_is_made_of_what_was_measured_in_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "PLACE", tmp_path)
    monkeypatch.setattr(document, "DOCUMENT", tmp_path / "performance.md")
    (tmp_path / "performance.md").write_text(f"before\n{document.BEGIN}old{document.END}after\n")
    results.keep("gateway/fast", [Figure("gateway ÷ nginx", 0.5, wanted=0.25), Figure("never", math.inf)], quick=False)
    results.keep("gateway/cached", [Figure("only a try", 1.0)], quick=True)

    document.renew(["gateway/fast", "gateway/cached"])

    text = (tmp_path / "performance.md").read_text()
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "| gateway ÷ nginx | 0.5 × | ≥ 0.25 |  | yes |  |" in text
    assert "inf" in text
    assert "only a try" not in text


def test_what_was_measured_elsewhere_stays_in_the_document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "PLACE", tmp_path)
    monkeypatch.setattr(document, "DOCUMENT", tmp_path / "performance.md")
    (tmp_path / "performance.md").write_text(f"{document.BEGIN}{document.END}")
    sections = ["gateway/fast", "gateway/cached"]
    results.keep("gateway/cached", [Figure("304 ÷ nginx", 0.7)], quick=False)
    document.renew(sections)
    (tmp_path / "gateway-cached.json").unlink()
    results.keep("gateway/fast", [Figure("gateway ÷ nginx", 0.5)], quick=False)

    document.renew(sections)
    both = (tmp_path / "performance.md").read_text()
    document.renew(sections)

    assert both.index("gateway ÷ nginx") < both.index("304 ÷ nginx")
    assert (tmp_path / "performance.md").read_text() == both


def test_each_section_goes_by_its_suite_and_name() -> None:
    names = list(sections([Server("sqlite"), Server("mysql")]))
    assert {name.partition("/")[0] for name in names} == {"gateway", "catalogue", "stock", "checkout"}
    assert all(name.count("/") == (1 if name.startswith("gateway/") else 2) for name in names)
