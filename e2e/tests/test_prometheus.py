"""Prometheus itself, with the chart's alerts, reads a service and the operator as PodMonitors have it read them."""

from __future__ import annotations

import json
import subprocess
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import requests
import yaml

from e2e.lib.portforward import port_forward
from e2e.lib.session import OPERATOR_CHART, RELEASE
from e2e.lib.wait import Seen, minutes, wait_for
from e2e.ports import free_ports

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from e2e.lib.cluster import Namespace
    from e2e.lib.given import Given

pytestmark = pytest.mark.e2e

ALERTS = OPERATOR_CHART / "files" / "alerts.yaml"
ANSWER_SECONDS = 30.0
QUEUE = "paddle_serving_operator_queue_length"
REQUESTS = 'sum(paddle_serving_requests_total{job="serving", code="200"})'


class Prometheus:
    """A server that answers at `address`."""

    def __init__(self, address: str) -> None:
        self._address = address

    def asked(self, path: str, **parameters: str) -> Any:  # noqa: ANN401 - JSON
        """The `data` of an answer of its API."""
        response = requests.get(f"{self._address}/api/v1/{path}", params=parameters, timeout=ANSWER_SECONDS)
        response.raise_for_status()
        return response.json()["data"]

    def value(self, query: str) -> float | None:
        """The one value of a query; None where there is none."""
        result = self.asked("query", query=query)["result"]
        return float(result[0]["value"][1]) if result else None


@contextmanager
def prometheus(folder: Path, targets: Mapping[str, tuple[str, Mapping[str, str]]]) -> Iterator[Prometheus]:
    """A Prometheus that reads each job's address every second, with its labels, and knows the chart's alerts."""
    jobs = [
        {"job_name": job, "static_configs": [{"targets": [urlsplit(address).netloc], "labels": dict(labels)}]}
        for job, (address, labels) in targets.items()
    ]
    every = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config = {"global": every, "rule_files": [str(ALERTS)], "scrape_configs": jobs}
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    (port,) = free_ports(1)
    listen = f"127.0.0.1:{port}"
    command = ["prometheus", f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}"]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen([*command, f"--web.listen-address={listen}"], stdout=log, stderr=log)
        try:
            server = Prometheus(f"http://{listen}")
            wait_for("Prometheus is there", lambda: _answers(server, folder / "log"), within=minutes(1))
            yield server
        finally:
            process.terminate()
            process.wait(minutes(1))


def _answers(server: Prometheus, log: Path) -> Seen:
    try:
        return Seen(bool(server.asked("rules")["groups"]), log.read_text())
    except requests.RequestException:
        return Seen(done=False, what=log.read_text())


def test_prometheus_reads_what_alerts_and_dashboard_ask_for(given: Given, operator: Namespace, tmp_path: Path) -> None:
    service = given.service("uci-housing", model=given.model("uci-housing")).is_healthy()
    asked = [service.when.asked("house.json") for _ in range(3)]
    assert len(set(asked)) == 1
    pod = service.pods()[0]["metadata"]
    labels = {"namespace": service.namespace.name, "pod": pod["name"], "serving_paddlepaddle_org_service": service.name}
    with ExitStack() as stack:
        serving = stack.enter_context(port_forward(service.namespace, f"pod/{pod['name']}", 8081))
        telling = stack.enter_context(port_forward(operator, f"deployment/{RELEASE}", 8080))
        server = stack.enter_context(
            prometheus(tmp_path, {"serving": (serving, labels), "operator": (telling, {"namespace": operator.name})})
        )

        def look() -> Seen:
            read = server.value(REQUESTS) == len(asked) and server.value(QUEUE) is not None
            return Seen(read, json.dumps(server.asked("targets")["activeTargets"]))

        wait_for("both are read, and the requests are counted", look, within=minutes(1))
        assert server.value("sum(paddle_serving_ready)") == 1
        wait_for("every alert was evaluated, and none is raised", lambda: _quiet(server), within=minutes(1))


def _quiet(server: Prometheus) -> Seen:
    """Every rule was evaluated without an error, and nothing is wrong that would be told after a while."""
    rules = [rule for group in server.asked("rules")["groups"] for rule in group["rules"]]
    loud = [
        (rule["name"], rule["health"], rule["state"], rule.get("lastError"))
        for rule in rules
        if (rule["health"], rule["state"]) != ("ok", "inactive")
    ]
    return Seen(bool(rules) and not loud, str(loud))
