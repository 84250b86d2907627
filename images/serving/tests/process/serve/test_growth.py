"""Nothing grows with the number of requests: memory, file descriptors and threads of every process."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import requests

from images.serving.tests.services import X
from paddle_serving_runtime.protocol.paths import PIPELINE_INFERENCE
from paddle_serving_runtime.protocol.pipeline.messages import MESSAGES

if TYPE_CHECKING:
    from images.serving.tests.process.serve.conftest import Serving

SIMPLE = json.dumps({"key": ["x"], "value": [X]}).encode()
TENSOR = {"name": "x", "datatype": "FP32", "shape": [1, 13], "data": [float(text) for text in X.split(",")]}
WARM_UP, REQUESTS = 100, 300
GROWTH_KIB = 4096
"""Of a process, while it answers some thousand requests: a leak of 2 KiB a request is more."""

POOL = 2
"""gRPC's thread pool breathes."""


def family(serving: "Serving") -> list[int]:
    """The supervisor and its children."""
    found = [serving.process.pid]
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if parent == serving.process.pid:
            found.append(int(path.parent.name))
    return sorted(found)


def used(pid: int) -> tuple[int, int, int]:
    """KiB resident, open files, threads."""
    status = Path(f"/proc/{pid}/status").read_text()
    resident, threads = (int(status.partition(f"\n{key}:")[2].split()[0]) for key in ("VmRSS", "Threads"))
    return resident, sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir()), threads


def ask(serving: "Serving", times: int) -> None:
    request = MESSAGES["Request"](key=["x"], value=[X]).SerializeToString()
    infer = json.dumps({"inputs": [TENSOR]}).encode()
    with requests.Session() as session, grpc.insecure_channel(serving.grpc) as channel:
        pipeline = channel.unary_unary(PIPELINE_INFERENCE)
        live = channel.unary_unary("/inference.GRPCInferenceService/ServerLive")
        for _ in range(times):
            assert session.post(f"{serving.http}/svc/prediction", data=SIMPLE, timeout=60).status_code == 200
            assert session.post(f"{serving.http}/svc/prediction", data=b"{", timeout=60).status_code == 400
            assert session.post(f"{serving.http}/v2/models/price/infer", data=infer, timeout=60).status_code == 200
            assert session.get(f"{serving.http}/v2/models/price", timeout=60).status_code == 200
            assert requests.post(f"{serving.http}/svc/prediction", data=SIMPLE, timeout=60).status_code == 200
            assert pipeline(request, timeout=60)
            assert live(b"", timeout=60)


def test_memory_files_and_threads_stay_what_they_were(shared: "Serving") -> None:
    ask(shared, WARM_UP)
    shared.wait_for(lambda: shared.metrics().get("paddle_serving_standby") == 1, "the standby process")
    pids = family(shared)
    # the supervisor, HAProxy, two workers, the standby process
    assert len(pids) == 5
    before = {pid: used(pid) for pid in pids}
    ask(shared, REQUESTS)
    now: dict[int, tuple[int, int, int]] = {}

    def settled() -> bool:
        now.update({pid: used(pid) for pid in pids})
        return all(now[pid][1] <= before[pid][1] and now[pid][2] <= before[pid][2] + POOL for pid in pids)

    # connections of the last requests may still be closing
    shared.wait_for(settled, f"files and threads as before, {before}", 30)
    assert family(shared) == pids
    for pid in pids:
        assert now[pid][0] - before[pid][0] < GROWTH_KIB, f"{before[pid]} -> {now[pid]}"
