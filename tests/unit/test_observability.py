"""What an operator looks at belongs together: figures, dashboards, alerts, and what to do about each."""

import json
import re
from itertools import combinations
from pathlib import Path
from typing import Any

import yaml

from chassis import figures, metrics
from gateway import gauges
from tests.conftest import MakeApp

ROOT = Path(__file__).resolve().parents[2]
HOME = ROOT / "observability"
NO_NAMES = re.compile(r'\{.*?\}|\[.*?\]|".*?"|\bby *\(.*?\)|\bor\b')
NAME = re.compile(r"\b[a-zA-Z]\w*\b(?! *\()")
OF_PROMETHEUS = {"up", "ALERTS"}
ROUTES = re.compile(r'job="(\w+)"[^}]*route=~?"([^"]+)"')
SERVICES = ("auth_service", "product_service", "order_service")


def alerts() -> dict[str, str]:
    rules = yaml.safe_load((HOME / "alerts.yml").read_text())["groups"][0]["rules"]
    return {rule["alert"]: rule["expr"] for rule in rules}


def panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((HOME / "dashboards/shop.json").read_text())["panels"]
    return found


def expressions() -> list[str]:
    return [*alerts().values(), *(target["expr"] for panel in panels() for target in panel["targets"])]


def test_every_alert_has_its_paragraph_and_every_paragraph_its_alert() -> None:
    section = (ROOT / "docs/operations.md").read_text("utf-8").split("## Alerts\n")[1].split("\n## ")[0]
    assert re.findall(r"^\*\*(\w+)\.\*\*", section, re.MULTILINE) == list(alerts())


def test_every_alert_is_tried() -> None:
    tried = yaml.safe_load((HOME / "alerts_test.yml").read_text())["tests"][0]["alert_rule_test"]
    assert {case["alertname"] for case in tried if case.get("exp_alerts")} == set(alerts())


def test_alerts_and_dashboards_ask_for_figures_that_there_are() -> None:
    families = [family for module in (figures, metrics, gauges) for family in module.registry.collect()]
    kept = {f"{family.name}{'_total' * (family.type == 'counter')}" for family in families}
    asked = {name.removesuffix("_bucket") for text in expressions() for name in NAME.findall(NO_NAMES.sub(" ", text))}
    assert asked
    assert asked - OF_PROMETHEUS <= kept


def test_alerts_and_dashboards_ask_for_routes_that_there_are(make_app: MakeApp) -> None:
    rules = {name: [rule.rule for rule in make_app(name).url_map.iter_rules()] for name in SERVICES}
    table = make_app("gateway").extensions["board"].table
    asked = [(job, route) for text in expressions() for job, said in ROUTES.findall(text) for route in said.split("|")]
    assert {job for job, _ in asked} == {"gateway", "product_service", "order_service"}
    for job, route in asked:
        known = [table.find(route).prefix] if job == "gateway" else rules[job]
        assert any(re.fullmatch(route, rule) for rule in known), (job, route)


def test_each_panel_says_what_it_shows_in_which_unit_and_lies_on_no_other() -> None:
    taken: dict[int, set[tuple[int, int]]] = {}
    for panel in panels():
        assert all((panel["title"], panel["description"], panel["fieldConfig"]["defaults"]["unit"]))
        place = panel["gridPos"]
        columns, rows = range(place["x"], place["x"] + place["w"]), range(place["y"], place["y"] + place["h"])
        assert columns[-1] < 24
        taken[panel["id"]] = {(column, row) for column in columns for row in rows}
    assert len(taken) == len(panels())
    assert not [pair for pair in combinations(taken, 2) if taken[pair[0]] & taken[pair[1]]]


def test_panels_ask_a_source_that_grafana_is_given() -> None:
    sources = yaml.safe_load((HOME / "grafana.yml").read_text())["datasources"]
    given = {(source["type"], source["uid"]) for source in sources}
    assert {(panel["datasource"]["type"], panel["datasource"]["uid"]) for panel in panels()} <= given


def test_grafana_opens_on_a_dashboard_that_it_is_given() -> None:
    grafana = yaml.safe_load((ROOT / "docker-compose.observability.yml").read_text())["services"]["grafana"]
    mounted = {inside: ROOT / outside for outside, inside, _ in (volume.split(":") for volume in grafana["volumes"])}
    assert all(outside.exists() for outside in mounted.values())
    opened = Path(grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    assert (mounted[str(opened.parent)] / opened.name).is_file()
