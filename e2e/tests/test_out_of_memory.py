"""A request that takes more memory than its container may have: the kernel's own OOM killer, no stand-in."""

from __future__ import annotations

import json
import threading
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
import requests

from e2e.lib.cluster import run
from e2e.lib.container import CONFINED, container, example_package, require_images
from e2e.lib.pods import RUNTIME
from e2e.lib.standalone import open_folder
from e2e.lib.wait import Seen, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from e2e.lib.container import Container

pytestmark = pytest.mark.e2e

MEMORY = "1g"
FILLED = "/tmp/filled"  # noqa: S108 - the container's own, in memory
STEP_MIB = 16
FILL = f"head -c {STEP_MIB}M /dev/zero >> {FILLED}"
MOST_STEPS = 1024 // STEP_MIB
CLIENTS = 4
RECOVERY_SECONDS = 60.0
"""Loose, for a slow machine; what it takes is in docs/measurements.md."""

SERVICE = """
import numpy as np
from paddle_serving_server.web_service import WebService, Op


class PriceOp(Op):
    def preprocess(self, input_dicts, data_id, log_id):
        (_, inputs), = input_dicts.items()
        hoard = []
        while "hoard" in inputs:
            hoard.append(np.ones(1 << 20))
        return {"x": np.array(inputs["x"].split(","), dtype="float32").reshape(1, 13)}, False, None, ""

    def postprocess(self, input_dicts, fetched, data_id, log_id):
        return {"price": str(fetched["price"].tolist())}, None, ""


class PriceService(WebService):
    def get_pipeline_response(self, read_op):
        return PriceOp(name="price", input_ops=[read_op])


service = PriceService(name="price")
service.prepare_pipeline_config("config.yml")
service.run_service()
"""
CONFIG = """\
rpc_port: 9998
http_port: 18082
dag: {is_thread_op: true}
op:
  price:
    concurrency: 1
    local_service_conf: {client_type: local_predictor, model_config: uci_housing_model}
"""
X = ",".join(["0.1"] * 13)
GOOD = json.dumps({"key": ["x"], "value": [X]}).encode()
GREEDY = json.dumps({"key": ["x", "hoard"], "value": [X, "1"]}).encode()


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    require_images(RUNTIME)
    root = example_package("uci-housing", open_folder(tmp_path_factory, "greedy"))
    (root / "MANIFEST.sha256").unlink(missing_ok=True)
    (root / "web_service.py").write_text(SERVICE)
    (root / "config.yml").write_text(CONFIG)
    for sample in (root / "golden").rglob("*.json"):
        sample.unlink()
    (root / "golden" / "good.json").write_bytes(GOOD)
    return root


@pytest.fixture(params=["direct", "pipeline"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def limited(engine: str, package: Path) -> Iterator[Container]:
    options = (*CONFINED, "--memory", MEMORY, "--memory-swap", MEMORY)
    command = ("serve", "--model-dir", "/models", "--name", "price", "--workers", "2", "--engine", engine)
    with container(*command, options=options, package=package) as served:
        yield served.is_ready()


def ask_until(done: threading.Event, served: Container, outcomes: Counter[str]) -> None:
    with requests.Session() as session:
        while not done.is_set():
            try:
                answer = session.post(f"{served.url(8080)}/price/prediction", data=GOOD, timeout=60)
                outcomes[f"{answer.status_code} {answer.json()['err_no']}"] += 1
            except (requests.RequestException, ValueError) as error:
                outcomes[repr(error)] += 1


@contextmanager
def load(served: Container) -> Iterator[Counter[str]]:
    """Good requests all the time; yields how they ended, when some have."""
    outcomes: Counter[str] = Counter()
    done = threading.Event()
    clients = [threading.Thread(target=ask_until, args=(done, served, outcomes)) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    try:
        wait_for_answers(outcomes)
        yield outcomes
    finally:
        done.set()
        for client in clients:
            client.join(timeout=60)


def wait_for_answers(outcomes: Counter[str]) -> None:
    enough = outcomes["200 0"] + 50
    wait_for("answers", lambda: Seen(outcomes["200 0"] > enough, str(outcomes)), within=60)


def complete(served: Container) -> Seen:
    """Whether both workers serve and the spare process waits."""
    metrics = requests.get(f"{served.url(8081)}/metrics", timeout=30).text
    told = ("paddle_serving_workers{", "paddle_serving_standby ")
    lines = [line for line in metrics.splitlines() if line.startswith(told)]
    expected = {'paddle_serving_workers{phase="serving"} 2.0', "paddle_serving_standby 1.0"}
    return Seen(expected <= set(lines), "; ".join(lines))


def spares_killed(served: Container) -> int:
    return sum("the standby process ended with status -9" in record["message"] for record in served.records())


def killed_by_the_kernel(served: Container) -> int:
    """Source: Linux, cgroup-v2.rst (memory.events) and cgroup-v1/memory.rst (memory.oom_control)."""
    files = "cat /sys/fs/cgroup/memory.events /sys/fs/cgroup/memory/memory.oom_control 2>/dev/null || true"
    counted = run(["docker", "exec", served.id, "sh", "-c", files])
    return sum(int(line.split()[1]) for line in counted.splitlines() if line.startswith("oom_kill "))


@pytest.mark.timeout(300)
def test_out_of_memory_costs_the_worker_that_took_it_and_nobody_else(limited: Container, engine: str) -> None:
    wait_for("two workers and a spare", lambda: complete(limited), within=RECOVERY_SECONDS)
    with load(limited) as outcomes:
        greedy = requests.post(f"{limited.url(8080)}/price/prediction", data=GREEDY, timeout=60)
        wait_for("two workers and a spare again", lambda: complete(limited), within=RECOVERY_SECONDS)
        wait_for_answers(outcomes)

    assert (greedy.status_code, greedy.json()["err_no"]) == (503, 3001), greedy.text
    # in the pipeline engine several requests share the worker that ends
    allowed = {"200 0"} if engine == "direct" else {"200 0", "503 3001"}
    assert set(outcomes) <= allowed, outcomes
    killed = [record["message"] for record in limited.records() if "was ended by SIGKILL" in record["message"]]
    successors = [message for message in killed if message.endswith("while it loaded")]
    assert len(killed) - len(successors) == 1, limited.logs()
    # while the memory of the first comes back the kernel may end a second process: one that has no request, the spare
    # or, where it has begun to load as the successor by then, that
    without_requests = spares_killed(limited) + len(successors)
    assert without_requests <= 1, limited.logs()
    assert killed_by_the_kernel(limited) == 1 + without_requests
    assert limited.state()["Running"]


@pytest.mark.timeout(300)
def test_memory_that_no_process_has_costs_the_spare_process_and_no_request(limited: Container) -> None:
    wait_for("two workers and a spare", lambda: complete(limited), within=RECOVERY_SECONDS)
    with load(limited) as outcomes:
        for _ in range(MOST_STEPS):
            run(["docker", "exec", limited.id, "sh", "-c", FILL])
            if killed_by_the_kernel(limited):
                break
        run(["docker", "exec", limited.id, "rm", FILLED])
        wait_for_answers(outcomes)
        wait_for("the next spare", lambda: complete(limited), within=RECOVERY_SECONDS)

    assert (spares_killed(limited), killed_by_the_kernel(limited)) == (1, 1), limited.logs()
    assert set(outcomes) == {"200 0"}
    assert not [record for record in limited.records() if "was ended by" in record["message"]], limited.logs()
