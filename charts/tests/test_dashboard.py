"""The dashboard for Grafana: every query is PromQL and names what the real metrics have."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from charts.tests.conftest import CHARTS
from charts.tests.exposition import labels_by_sample
from charts.tests.promql import unknown

if TYPE_CHECKING:
    from charts.tests.conftest import Helm, Manifest

CHART = "paddle-serving-operator"
FILE = CHARTS / CHART / "files" / "dashboard.json"
ENABLED = ("--set", "monitoring.dashboard.enabled=true")
VARIABLES = {"$__rate_interval": "5m", "$namespace": ".*", "$service": ".*"}


def dashboard() -> Manifest:
    loaded: Manifest = json.loads(FILE.read_text())
    return loaded


def panels() -> list[Manifest]:
    """Those that show something."""
    return [panel for panel in dashboard()["panels"] if panel["type"] != "row"]


def queries() -> Iterator[tuple[str, str]]:
    """Title of the panel and query, as Grafana would ask it."""
    for panel in panels():
        for target in panel["targets"]:
            query = target["expr"]
            for name, value in VARIABLES.items():
                query = query.replace(name, value)
            yield panel["title"], query


def test_every_query_names_what_the_real_metrics_have() -> None:
    real = labels_by_sample()
    assert len(list(queries())) > 25
    assert [(title, wrong) for title, query in queries() if (wrong := unknown(query, real))] == []


def test_variables_ask_for_labels_that_there_are() -> None:
    real = labels_by_sample()["paddle_serving_ready"]
    asked = {one["name"]: one["query"]["query"] for one in dashboard()["templating"]["list"] if one["type"] == "query"}
    assert {query.rpartition(", ")[2].rstrip(")") for query in asked.values()} <= real
    assert {f"${name}" for name in asked} == VARIABLES.keys() - {"$__rate_interval"}


def test_legends_name_labels_that_the_query_keeps() -> None:
    for panel in panels():
        for target in panel["targets"]:
            legend = target["legendFormat"]
            kept = target["expr"].partition("by (")[2].partition(")")[0].split(", ")
            assert all(word.partition("}}")[0] in kept for word in legend.split("{{")[1:]), (panel["title"], legend)


def test_panels_have_titles_and_do_not_lie_on_each_other() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in dashboard()["panels"]:
        assert panel["title"]
        place = panel["gridPos"]
        cells = {
            (column, line)
            for column in range(place["x"], place["x"] + place["w"])
            for line in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert max(column for column, _ in cells) < 24
        taken |= cells
    ids = [panel["id"] for panel in dashboard()["panels"]]
    assert len(ids) == len(set(ids))


def test_the_chart_puts_it_where_grafanas_sidecar_looks(helm: Helm) -> None:
    made = [m for m in helm.template(CHART, "--no-hooks", *ENABLED) if m["metadata"]["name"].endswith("-dashboard")]
    assert len(made) == 1
    assert made[0]["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert json.loads(made[0]["data"]["paddle-serving.json"]) == dashboard()
    assert not [m for m in helm.template(CHART) if m["metadata"]["name"].endswith("-dashboard")]


def test_the_label_of_the_sidecar_can_be_removed(helm: Helm) -> None:
    labels = "monitoring.dashboard.labels.grafana_dashboard=null,monitoring.dashboard.labels.team=a"
    options = ("--set", f"monitoring.dashboard.enabled=true,{labels}")
    (made,) = (
        each
        for each in helm.template("paddle-serving-operator", *options)
        if each["kind"] == "ConfigMap" and each["metadata"]["labels"].get("team") == "a"
    )
    assert "grafana_dashboard" not in made["metadata"]["labels"]
