"""Results: the figures of every section as they were last measured, kept as JSON under `.data/bench`."""

import json
import math
import platform
import subprocess
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.bench.figures import Figure
from tests.shop import ROOT

PLACE = ROOT / ".data" / "bench"


@dataclass(frozen=True)
class Result:
    """One section's figures, and where and when they were measured."""

    figures: list[Figure]
    circumstances: dict[str, Any]


def keep(section: str, figures: list[Figure], *, quick: bool) -> None:
    """Write what was measured; quick tries stay apart."""
    found = {"circumstances": _circumstances(), "figures": [_document(figure) for figure in figures]}
    path = _path(section, "quick" if quick else "")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", "utf-8")


def read(section: str) -> Result | None:
    """What was measured last in full, if anything."""
    if not _path(section).exists():
        return None
    found = json.loads(_path(section).read_text("utf-8"))
    figures = [
        Figure(**figure | {"value": math.inf if figure["value"] is None else figure["value"]})
        for figure in found["figures"]
    ]
    return Result(figures, found["circumstances"])


def _document(figure: Figure) -> dict[str, Any]:
    # JSON knows no infinity: what did not end in time has no value.
    return asdict(figure) | {"value": figure.value if math.isfinite(figure.value) else None}


def _path(section: str, apart: str = "") -> Path:
    return PLACE / apart / f"{section.replace('/', '-')}.json"


def _circumstances() -> dict[str, Any]:
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit.strip(),
        "processor": _processor(),
        "python": platform.python_version(),
    }


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{len(names)} × {names[0]}" if names else platform.machine()
