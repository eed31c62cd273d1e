"""What an operator looks at belongs together: figures, dashboards, alerts, and what to do about each."""

import json
import re
from pathlib import Path

import yaml

from chassis import figures, metrics
from gateway import gauges

ROOT = Path(__file__).resolve().parents[2]
HOME = ROOT / "observability"
NAME = re.compile(r"\b(?:[a-z]+_)+(?:total|seconds(?:_bucket)?|in_flight|waiting|open|taken|places|resting)\b")


def alerts() -> dict[str, str]:
    rules = yaml.safe_load((HOME / "alerts.yml").read_text())["groups"][0]["rules"]
    return {rule["alert"]: rule["expr"] for rule in rules}


def dashboard() -> list[str]:
    panels = json.loads((HOME / "dashboards/shop.json").read_text())["panels"]
    assert all(panel["datasource"]["uid"] == "prometheus" for panel in panels)
    return [target["expr"] for panel in panels for target in panel["targets"]]


def test_every_alert_has_its_paragraph_and_every_paragraph_its_alert() -> None:
    section = (ROOT / "docs/operations.md").read_text("utf-8").split("## Alerts\n")[1].split("\n## ")[0]
    assert re.findall(r"^\*\*(\w+)\.\*\*", section, re.MULTILINE) == list(alerts())


def test_every_alert_is_tried() -> None:
    tried = yaml.safe_load((HOME / "alerts_test.yml").read_text())["tests"][0]["alert_rule_test"]
    assert {case["alertname"] for case in tried if case.get("exp_alerts")} == set(alerts())


def test_alerts_and_dashboards_ask_for_figures_that_there_are() -> None:
    families = [family for module in (figures, metrics, gauges) for family in module.registry.collect()]
    kept = {f"{family.name}{'_total' * (family.type == 'counter')}" for family in families}
    asked = {name.removesuffix("_bucket") for text in (*alerts().values(), *dashboard()) for name in NAME.findall(text)}
    assert asked
    assert asked <= kept
