"""The serving test of TIPC from the same configuration files: against the cluster, and as processes in the image."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from e2e.lib.altered import altered_runtime
from e2e.lib.cluster import ROOT
from e2e.lib.pods import RUNTIME
from tools.documents import each

if TYPE_CHECKING:
    from pathlib import Path

    from e2e.lib.cluster import Cluster, Namespace

pytestmark = pytest.mark.e2e

CONFIG = "test_tipc/configs/{}/model_linux_gpu_normal_normal_serving_python_linux_gpu_cpu.txt"
FOLDERS = ("test_tipc", "examples", "e2e/kind")
MADE = shutil.ignore_patterns("__pycache__", "output", "*_server", "*_client")
RUN_SECONDS = 540.0
RPC_CLIENT = """
import sys
from paddle_serving_server.pipeline import PipelineClient

client = PipelineClient()
client.connect(["127.0.0.1:9993"])
for text in open(sys.argv[1].partition("=")[2], encoding="utf-8").read().splitlines():
    print(client.predict(feed_dict={"text": text, "clientip": "127.0.0.1"}, fetch=["label"]))
"""
DOCUMENTED = each("examples/*/README.md", "bash test_tipc/test_serving.sh ")
MODELS = sorted(path.parent.name for path in (ROOT / "test_tipc" / "configs").glob("*/*.txt"))


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the part of the repository that the test reads and writes."""
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=MADE)
    return tmp_path


def prepared(checkout: Path, model: str) -> str:
    """Makes what the model's configuration reads; returns the configuration's path."""
    config = CONFIG.format(model)
    run(checkout, ["bash", "test_tipc/prepare.sh", config], {})
    return config


def run(checkout: Path, command: list[str], environment: dict[str, str], expected: int = 0) -> str:
    """What the command printed; it must end with the expected status."""
    done = subprocess.run(
        command,
        cwd=checkout,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
    )
    assert done.returncode == expected, f"{' '.join(command)} ended with {done.returncode}\n{done.stdout[-6000:]}"
    return done.stdout


def rows(checkout: Path, model: str) -> list[dict[str, Any]]:
    report = checkout / "test_tipc" / "output" / f"report_{model}.json"
    found: list[dict[str, Any]] = json.loads(report.read_text(encoding="utf-8"))
    assert found, f"{report} has no row"
    return found


def in_image(checkout: Path, image: str, *command: str) -> list[str]:
    """The command in a container of the runtime image, as the user who owns the checkout."""
    user = f"{os.getuid()}:{os.getgid()}"
    place = ["--volume", f"{checkout}:/repository", "--workdir", "/repository", "--user", user]
    return ["docker", "run", "--rm", "--init", *place, "--entrypoint", command[0], image, *command[1:]]


def with_rpc_client(checkout: Path, config: str) -> None:
    """Lets the text model be asked over gRPC, too."""
    (checkout / "examples/text-classifier/pipeline_rpc_client.py").write_text(RPC_CLIENT)
    file = checkout / config
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("pipline:", "pipline:pipeline_rpc_client.py|"), encoding="utf-8")


@pytest.mark.parametrize("model", MODELS)
def test_the_service_in_the_cluster_answers_what_paddle_inference_answers(
    namespace: Namespace, checkout: Path, model: str
) -> None:
    config = prepared(checkout, model)
    if model == "TextClassifier":
        with_rpc_client(checkout, config)
    (command,) = (words for block in DOCUMENTED.values() if (words := block.text.split())[2] == config)

    printed = run(checkout, [*command, "--target", "kubernetes"], {"TIPC_NAMESPACE": namespace.name})

    assert "Run failed" not in printed
    for row in rows(checkout, model):
        assert (row["target"], row["consistent"]) == ("kubernetes", "yes"), row
        assert row["requests"] > 0, row
        assert row["max_absolute_error"] == 0, row
    assert not namespace.list("paddleservice"), "the test leaves a PaddleService behind"


def test_the_same_configuration_runs_as_processes_in_the_image(checkout: Path) -> None:
    config = prepared(checkout, "AlexNet")
    run(checkout, in_image(checkout, RUNTIME, "bash", "test_tipc/test_serving.sh", config), {})
    for row in rows(checkout, "AlexNet"):
        assert (row["target"], row["consistent"]) == ("local", "yes"), row


def test_a_server_that_alters_a_value_fails_the_test_with_its_status(cluster: Cluster, checkout: Path) -> None:
    config = prepared(checkout, "AlexNet")
    # with recorded answers beside it the altered server would not even become ready
    shutil.rmtree(checkout / "examples" / "alexnet" / "golden")
    image = altered_runtime(cluster)
    command = in_image(checkout, image, "bash", "test_tipc/test_serving.sh", config)
    printed = run(checkout, command, {}, expected=1)
    assert "Run failed with command - compare with Paddle Inference" in printed
    assert {row["consistent"] for row in rows(checkout, "AlexNet")} == {"no"}
