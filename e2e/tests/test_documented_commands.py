"""What documents say to type where pods run: logs, port-forward, a report computed again, `helm test`, e2e/kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import requests

from e2e.lib.container import example_package
from e2e.lib.pods import PYTHON, RUNTIME
from e2e.lib.reader import reader_of, typed_forward
from e2e.lib.session import RELEASE
from e2e.lib.wait import Seen, minutes, wait_for
from tools.documents import command, commands
from tools.typed import typed

if TYPE_CHECKING:
    from pathlib import Path

    from e2e.lib.cluster import Namespace
    from e2e.lib.given import Given

pytestmark = pytest.mark.e2e

ASK_SECONDS = 60.0
CRASH = "import os, signal; os.kill(1, signal.SIGTERM)"


def test_a_service_is_asked_its_log_is_read_and_its_report_computed_again(given: Given, tmp_path: Path) -> None:
    reader = reader_of(given.namespace, tmp_path)
    reader.types(commands("docs/evidence.md", "openssl genpkey"))
    service = given.service("uci-housing", consistency={"signingKeySecret": "reports"}).is_healthy()
    pod = {"POD": service.pods()[0]["metadata"]["name"]}

    assert '"message":"ready"' in reader.types(commands("docs/alerts.md", "PaddleServingPodNotReady"), pod)
    assert '"worker":0' in reader.types(commands("docs/alerts.md", "PaddleServingWorkersReplaced"), pod)
    # grep finds nothing, because no answer has changed
    assert reader.types(commands("docs/alerts.md", "PaddleServingAnswerChanged"), pod, code=1) == ""

    ports = {"8080:80 9000:9000": ":80 :9000"}
    with typed_forward(reader, command("docs/protocols.md", "kubectl port-forward"), ports) as address:
        assert requests.get(f"{address}/v2/models/uci-housing", timeout=ASK_SECONDS).ok

    package = {"--model-dir ocr-rec": f"--model-dir {example_package('uci-housing', tmp_path)}"}
    report = {"ocr-rec-5c9d8-report": f"{service.name}-{service.revision}-report"}
    block = command("docs/evidence.md", "kubectl get configmap")
    said = reader.types(block, package | report).splitlines()
    # the cluster of the tests has images by their tags: a note says that the report knows no digest of one
    words = [line.split(" ")[0] for line in said if not line.startswith("note: ")]
    assert words == ["signed", "computing", "...", "Confirmed,"]


def test_the_operators_last_words_are_read_and_its_chart_tests_it(operator: Namespace, tmp_path: Path) -> None:
    reader = reader_of(operator, tmp_path)
    operator.kubectl("exec", f"deployment/{RELEASE}", "--", PYTHON, "-c", CRASH)

    def look() -> Seen:
        (pod,) = (pod for pod in operator.list("pod") if pod["metadata"].get("ownerReferences"))
        (status,) = pod["status"]["containerStatuses"]
        return Seen(status["restartCount"] > 0 and status["ready"], str(status))

    wait_for("the operator has started again", look, within=minutes(2))
    assert reader.types(command("docs/alerts.md", "kubectl -n paddle-system logs deployment/"))
    test = command("docs/upgrading.md", "helm test")
    assert test.text == command("charts/paddle-serving-operator/README.md", "helm test").text
    assert "Succeeded" in reader.types(test)


def test_a_cluster_that_is_there_stays_and_gets_no_image_twice(operator: Namespace) -> None:
    assert operator.list("pod")
    assert "ready. Point your shell at it" in typed(command("e2e/kind/README.md", "python3 e2e/kind up").text)
    load = command("e2e/kind/README.md", "python3 e2e/kind load").replaced({"IMAGE...": RUNTIME})
    assert RUNTIME in typed(load.text)
