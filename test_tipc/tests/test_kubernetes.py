import json
import os
import shutil
import stat
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import Repository, answer, says

from paddle_serving_runtime import reference as references
from paddle_serving_runtime.package import manifest
from paddle_serving_runtime.reference import Reference
from tipc import __main__ as program
from tipc import kubernetes
from tipc.kubectl import Kubectl
from tipc.naming import dns_label
from tipc.ports import free_port
from tipc.processes import Process
from tipc.target import TargetError

KUBECTL = """#!/bin/sh
# A cluster of files: $STATE/resource.json, pods.json, reference.json; every call is kept in $STATE/calls.
echo "$*" >> "$STATE/calls"
case "$*" in
    *" apply "*) cat "$5" > "$STATE/applied.json" ;;
    *" get paddleservice "*) cat "$STATE/resource.json" ;;
    *" get pods "*) cat "$STATE/pods.json" ;;
    *" get nodes "*) cat "$STATE/nodes.json" ;;
    *" exec "*"/report"*) cat "$STATE/report.json" ;;
    *" exec "*" cat "*) cat "$STATE/reference.json" ;;
    *" port-forward "*) echo "Forwarding from 127.0.0.1:$(cat "$STATE/port") -> 8080"
        echo "Forwarding from 127.0.0.1:$(cat "$STATE/grpc-port") -> 9000"; exec sleep 600 ;;
esac
"""
DOCKER = """#!/bin/sh
echo "docker $*" >> "$STATE/calls"
[ "$1" = push ] || cp -R "$(eval echo \\${$#})/package" "$STATE/image"
"""
SERVE = ["serve", "--model-dir", "/models", "--name", "m", "--threads-per-worker", "1", "--ir-optim", "true"]
SCRIPT = ["--script", "w.py --a=$$b"]


class Cluster:
    """What the stand-ins for kubectl and docker read and write."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.says({"phase": "Healthy"}, ready="True")
        pod = {
            "metadata": {"name": "m-1"},
            "spec": {"containers": [{"args": [*SERVE, "--overrides", "op.m.devices=", *SCRIPT]}]},
            "status": {"conditions": [{"type": "Ready", "status": "True"}]},
        }
        (state / "pods.json").write_text(json.dumps({"items": [pod]}))
        self.infers(0.99903536)
        self.computes_on("cpu")
        node = {"status": {"allocatable": {"cpu": "2", "nvidia.com/gpu": "0"}}}
        (state / "nodes.json").write_text(json.dumps({"items": [node]}))

    def computes_on(self, device: str, *warnings: str) -> None:
        (self.state / "report.json").write_text(json.dumps({"device": device, "warnings": warnings}))

    def says(self, status: dict[str, Any], ready: str, message: str = "") -> None:
        condition = {"type": "Ready", "status": ready, "reason": "NotConsistent", "message": message}
        status |= {"observedGeneration": 1, "conditions": [condition]}
        (self.state / "resource.json").write_text(json.dumps({"metadata": {"generation": 1}, "status": status}))

    def infers(self, *probs: float) -> None:
        answers: dict[str, Any] = {
            f"request-{index}.json": {"class_id": np.array([8]), "prob": np.array([prob])}
            for index, prob in enumerate(probs)
        }
        references.write(self.state / "reference.json", Reference("3.3.1", "cpu", {}, answers))

    def calls(self) -> str:
        return (self.state / "calls").read_text()


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    state, tools = tmp_path / "state", tmp_path / "bin"
    state.mkdir()
    tools.mkdir()
    for name, script in (("kubectl", KUBECTL), ("docker", DOCKER)):
        (tools / name).write_text(script)
        (tools / name).chmod(stat.S_IRWXU)
    monkeypatch.setenv("STATE", str(state))
    monkeypatch.setenv("PATH", f"{tools}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("TIPC_REGISTRY", "registry.example/team")
    return Cluster(state)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    (tmp_path / "repository").mkdir()
    monkeypatch.chdir(tmp_path / "repository")
    says(monkeypatch, {"class_id": np.array([8]), "prob": np.array([0.99903536])})
    return Repository(tmp_path / "repository")


def run(repository: Repository, cluster: Cluster) -> int:
    """Runs against the cluster; the pod is the fake service on a port that only `kubectl port-forward` tells."""
    pod, port = repository.root / "pod", free_port()
    shutil.copytree(repository.service, pod)
    (pod / "config.yml").write_text(f"http_port: {port}\n")
    behaviour = json.loads((pod / "behaviour.json").read_text())
    rpc_port = behaviour["rpc_port"] = free_port()
    (pod / "behaviour.json").write_text(json.dumps(behaviour))
    (cluster.state / "port").write_text(str(port))
    (cluster.state / "grpc-port").write_text(str(rpc_port))
    with Process([sys.executable, "web_service.py"], pod, os.environ, repository.root / "service.log"):
        return program.main([str(repository.config), "--target", "kubernetes", "--timeout", "120"])


def test_the_same_configuration_is_packaged_applied_asked_and_compared(
    repository: Repository, cluster: Cluster
) -> None:
    assert run(repository, cluster) == 0
    (row,) = repository.rows()
    assert (row["target"], row["device"], row["consistent"]) == ("kubernetes", "cpu", "yes")
    assert (row["status"], row["requests"]) == ("passed", 1)
    applied = json.loads((cluster.state / "applied.json").read_text())
    image = cluster.state / "image"
    assert applied["spec"]["model"]["digest"] == manifest.write(image)
    assert applied["spec"]["engine"] == {
        "workers": 1,
        "script": "web_service.py op.m.local_service_conf.devices=",
        "overrides": {"op.m.local_service_conf.devices": ""},
    }
    assert json.loads((image / "golden/request-0.json").read_text()) == {"key": ["image"], "value": ["--img=cat"]}
    assert applied["spec"]["model"]["source"]["image"]["reference"].startswith(
        "registry.example/team/paddle-serving-tipc-fake:"
    )


def test_the_reference_runs_in_the_serving_pod_with_its_switches(repository: Repository, cluster: Cluster) -> None:
    run(repository, cluster)
    assert (
        "exec m-1 -c serve -- paddle-serving-runtime reference --model-dir /models --output /tmp/reference.json "
        "--threads-per-worker 1 --ir-optim true --script w.py --a=$b --overrides op.m.devices=\n"
    ) in cluster.calls()


def test_an_rpc_client_asks_the_grpc_port_of_the_service_and_gets_its_own_samples(
    repository: Repository, cluster: Cluster
) -> None:
    repository.add_rpc_client(9993, "dog")
    cluster.infers(0.99903536, 0.5)
    assert run(repository, cluster) == 1
    first, second = repository.rows()
    assert (first["client"], first["consistent"]) == ("pipeline_rpc_client.py", "yes")
    assert "but Paddle Inference says 0.5" in second["why"]
    samples = [json.loads(path.read_text()) for path in sorted((cluster.state / "image/golden").iterdir())]
    assert [sample["value"] for sample in samples] == [["dog"], ["--img=cat"]]
    assert "port-forward --address 127.0.0.1 svc/tipc-fake-0 :80 :9000" in cluster.calls()


def test_clients_that_ask_for_the_same_share_a_sample(repository: Repository, cluster: Cluster) -> None:
    repository.add_rpc_client(9993, "--img=cat")
    assert run(repository, cluster) == 0
    assert [row["consistent"] for row in repository.rows()] == ["yes", "yes"]
    assert len(list((cluster.state / "image/golden").iterdir())) == 1


def test_a_request_that_the_package_does_not_hold_cannot_be_compared(repository: Repository, cluster: Cluster) -> None:
    script = repository.service / "pipeline_http_client.py"
    script.write_text(f"import time\n{script.read_text()}".replace("[sys.argv[1]]", "[str(time.time())]"))
    assert run(repository, cluster) == 1
    assert "requests change from run to run cannot be compared" in repository.rows()[0]["why"]


def test_a_difference_between_pod_and_paddle_inference_fails(repository: Repository, cluster: Cluster) -> None:
    cluster.infers(0.5)
    assert run(repository, cluster) == 1
    assert repository.rows()[0]["consistent"] == "no"
    assert "but Paddle Inference says 0.5" in repository.rows()[0]["why"]


def test_a_pod_that_computes_on_another_device_than_line_12_asks_for_fails(
    repository: Repository, cluster: Cluster
) -> None:
    cluster.computes_on("gpu:0")
    assert run(repository, cluster) == 1
    assert "asks for the device cpu, but the worker computes on gpu:0" in repository.rows()[0]["why"]


def test_a_switch_that_a_pod_does_not_know_fails(repository: Repository, cluster: Cluster) -> None:
    repository.write_line(13, "op.m.local_service_conf.use_mkldn:True")
    cluster.computes_on("cpu", "op.m.local_service_conf.use_mkldn in config.yml has no effect: nobody knows it.")
    assert run(repository, cluster) == 1
    assert "line 13: op.m.local_service_conf.use_mkldn has no effect" in repository.rows()[0]["why"]


def test_a_gpu_row_is_skipped_where_no_node_offers_one(repository: Repository, cluster: Cluster) -> None:
    repository.write_line(12, "op.m.local_service_conf.devices:0")
    assert run(repository, cluster) == 1
    (row,) = repository.rows()
    assert (row["status"], row["why"]) == (
        "skipped",
        "gpu is asked for, but no node of the cluster offers nvidia.com/gpu.",
    )
    assert " apply " not in cluster.calls()


def test_a_service_that_fails_is_reported_with_its_conditions_and_deleted(
    repository: Repository, cluster: Cluster
) -> None:
    cluster.says({"phase": "Failed"}, ready="False", message="served 1, but Paddle Inference says 2")
    assert run(repository, cluster) == 1
    assert "is Failed: Ready=False NotConsistent: served 1" in repository.rows()[0]["why"]
    assert "delete paddleservice tipc-fake-0" in cluster.calls().splitlines()[-1]


def test_an_error_of_the_service_fails_as_it_does_locally(repository: Repository, cluster: Cluster) -> None:
    repository.behave(answer=answer(err_no=8000))
    assert run(repository, cluster) == 1
    assert "err_no is 8000" in repository.rows()[0]["why"]


def test_a_service_that_is_never_ready_fails_at_the_deadline_with_what_was_seen(cluster: Cluster) -> None:
    cluster.says({"phase": "Progressing"}, ready="False", message="0 of 1 pods")
    with pytest.raises(TargetError, match=r"was not Ready in time. Last seen: Ready=False .* 0 of 1 pods"):
        kubernetes.wait_ready(Kubectl("default"), "m", time.monotonic() + 1)


def test_a_status_of_an_older_generation_is_not_believed(cluster: Cluster) -> None:
    stale = json.loads((cluster.state / "resource.json").read_text())
    stale["metadata"]["generation"] = 2
    (cluster.state / "resource.json").write_text(json.dumps(stale))
    with pytest.raises(TargetError, match="not Ready in time"):
        kubernetes.wait_ready(Kubectl("default"), "m", time.monotonic() + 1)


@pytest.mark.parametrize(("text", "label"), [("ocr_rec", "ocr-rec"), ("AlexNet", "alexnet"), ("__", "model")])
def test_a_models_name_becomes_a_dns_label(text: str, label: str) -> None:
    assert dns_label(text) == label
