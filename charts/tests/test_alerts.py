"""The alerts: each fires on series that the real metrics have, stays silent otherwise, and says what to do."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from charts.tests.conftest import CHARTS
from charts.tests.exposition import TARGET, labels_by_sample
from charts.tests.promql import unknown

if TYPE_CHECKING:
    from charts.tests.conftest import Helm, Manifest

CHART = "paddle-serving-operator"
ALERTS = CHARTS / CHART / "files" / "alerts.yaml"
CASES = Path(__file__).parent / "alerts.yaml"
DOCUMENT = CHARTS.parent / "docs" / "alerts.md"
ENABLED = ("--set", "monitoring.prometheusRule.enabled=true")


def rules() -> list[Manifest]:
    return [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]


def cases() -> list[Manifest]:
    found: list[Manifest] = yaml.safe_load(CASES.read_text())["tests"]
    return found


def promtool(*arguments: str | Path) -> str:
    result = subprocess.run(["promtool", *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def test_prometheus_takes_the_file_as_it_stands() -> None:
    assert f"{len(rules())} rules found" in promtool("check", "rules", "--lint=all", "--lint-fatal", ALERTS)


def test_every_alert_fires_and_is_silent_where_it_should_be() -> None:
    promtool("test", "rules", CASES)


def test_every_alert_has_a_case_in_which_it_fires_and_one_in_which_it_does_not() -> None:
    looked_at = [alert for case in cases() for alert in case["alert_rule_test"]]
    fires = {alert["alertname"] for alert in looked_at if alert.get("exp_alerts")}
    silent = {alert["alertname"] for alert in looked_at if not alert.get("exp_alerts")}
    assert fires == silent == {rule["alert"] for rule in rules()}


def test_alerts_name_what_the_real_metrics_have() -> None:
    real = labels_by_sample()
    assert {rule["alert"]: wrong for rule in rules() if (wrong := unknown(rule["expr"], real))} == {}


def test_the_cases_have_series_as_the_real_metrics_have_them() -> None:
    real = labels_by_sample()
    for case in cases():
        for series in case["input_series"]:
            ((sample,),) = (family.samples for family in text_string_to_metric_families(f"{series['series']} 0\n"))
            assert sample.labels.keys() - TARGET <= real[sample.name], series


def test_a_name_that_is_wrong_would_be_noticed() -> None:
    real = labels_by_sample()
    query = 'sum by (pdo) (rate(paddle_serving_request_total{code="500"}[5m])) / paddle_serving_ready{verdict="x"}'
    assert unknown(query, real) == ["paddle_serving_request_total", "paddle_serving_ready{verdict}", "pdo"]


def heading_of(url: str) -> str:
    file, _, anchor = url.partition("#")
    assert file == "docs/alerts.md"
    return anchor


def test_every_alert_has_a_severity_a_sentence_and_a_place_in_the_document() -> None:
    headings = [line for line in DOCUMENT.read_text().splitlines() if line.startswith("### ")]
    anchors = {line.removeprefix("### ").lower() for line in headings}
    assert {heading_of(rule["annotations"]["runbook_url"]) for rule in rules()} == anchors
    for rule in rules():
        assert heading_of(rule["annotations"]["runbook_url"]) == rule["alert"].lower()
        assert rule["labels"]["severity"] in {"warning", "critical"}
        assert rule["annotations"].keys() == {"summary", "description", "runbook_url"}


def test_the_documents_table_has_severity_and_patience_of_every_alert() -> None:
    row = re.compile(r"^\| \[(\w+)\]\(#(\w+)\) \| (\w+) \| (.+) \|$", re.MULTILINE)
    told = {name: (anchor, severity, after) for name, anchor, severity, after in row.findall(DOCUMENT.read_text())}
    assert told == {
        rule["alert"]: (
            rule["alert"].lower(),
            rule["labels"]["severity"],
            rule["for"].replace("m", " min") if "for" in rule else "at once",
        )
        for rule in rules()
    }


def test_the_chart_makes_the_same_rules_of_them(helm: Helm) -> None:
    rule = helm.template(CHART, *ENABLED).one("PrometheusRule")
    assert rule["spec"]["groups"] == yaml.safe_load(ALERTS.read_text())["groups"]
    assert "PrometheusRule" not in {manifest["kind"] for manifest in helm.template(CHART)}


def test_alerts_can_be_left_out_and_runbooks_be_elsewhere(helm: Helm) -> None:
    disabled = ("--set", "monitoring.prometheusRule.disable={PaddleServingQueueSlow}")
    elsewhere = ("--set", "monitoring.prometheusRule.runbookBase=https://a/d/")
    groups = helm.template(CHART, *ENABLED, *disabled, *elsewhere).one("PrometheusRule")["spec"]["groups"]
    made = [rule for group in groups for rule in group["rules"]]
    assert [rule["alert"] for rule in made] == [
        rule["alert"] for rule in rules() if rule["alert"] != "PaddleServingQueueSlow"
    ]
    assert made[0]["annotations"]["runbook_url"] == "https://a/d/alerts.md#paddleservingservicedown"


def test_an_alert_that_is_none_cannot_be_left_out(helm: Helm) -> None:
    said = helm.refusal(CHART, "--set", "monitoring.prometheusRule.disable={QueueSlow}")
    assert "`monitoring.prometheusRule.disable` names QueueSlow, and there is no such alert. There are Paddle" in said


@pytest.mark.parametrize("helm", ["helm4"], indirect=True)
def test_a_release_is_told_that_alerts_need_what_the_pod_monitors_read(helm: Helm) -> None:
    install = ("install", "o", str(CHARTS / CHART), "--dry-run=client", *ENABLED)
    notice = "NOTE: monitoring.prometheusRule.enabled is true and monitoring.podMonitor.enabled is not"
    assert notice in helm.run(*install).stdout
    assert notice not in helm.run(*install, "--set", "monitoring.podMonitor.enabled=true").stdout
