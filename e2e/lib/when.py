"""What is done to a PaddleService."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

import requests

from e2e.lib.pods import PYTHON
from e2e.lib.wait import expect

if TYPE_CHECKING:
    from e2e.lib.service import Service
    from e2e.lib.store import Model

ANSWER_SECONDS = 60.0
VERB = "serving.paddlepaddle.org/verb"
# SIGKILL to the newest worker process; it prints the process id.
KILL_A_WORKER = """
import os, pathlib, signal
def words(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(bytes(1))
    except OSError:
        return ()
numbers = [int(name) for name in os.listdir("/proc") if name.isdigit()]
workers = sorted(pid for pid in numbers if b"paddle_serving_runtime.worker" in words(pid))
os.kill(workers[-1], signal.SIGKILL)
print(workers[-1])
"""


@dataclass(frozen=True, slots=True)
class When:
    """Each action returns when the cluster has accepted it, not when it has had its effect."""

    service: Service

    def model_is_replaced_by(self, model: Model) -> None:
        """Another package, from another place if need be."""
        spec = self.service.manifest["spec"]
        spec["model"] = {"name": self.service.example, **model.spec()}
        self.service.apply()

    def spec_is_changed(self, **fields: object) -> None:
        """Other fields of the spec."""
        self.service.manifest["spec"] |= fields
        self.service.apply()

    def ordered(self, verb: str) -> None:
        """A verb, as `kubectl paddle` gives it."""
        order = f"{VERB}={verb} {uuid.uuid4().hex}"
        self.service.namespace.kubectl("annotate", "--overwrite", "paddleservice", self.service.name, order)

    def scaled_to(self, replicas: int) -> None:
        """As `kubectl scale` does it."""
        service = self.service
        service.manifest["spec"]["replicas"] = replicas
        service.namespace.kubectl("scale", "paddleservice", service.name, f"--replicas={replicas}")

    def pod_is_deleted(self) -> str:
        """Deletes one pod as a node drain would; returns its name."""
        name: str = self.service.pods(self.service.revision)[0]["metadata"]["name"]
        self.service.namespace.kubectl("delete", "pod", name, "--wait=false")
        return name

    def worker_is_killed(self, pod: str) -> int:
        """SIGKILL to one worker of the pod; returns its process id."""
        return int(self.service.namespace.exec(pod, PYTHON, "-c", KILL_A_WORKER, container="serve"))

    def deleted(self) -> None:
        """Deletes the PaddleService without waiting."""
        self.service.namespace.kubectl("delete", "paddleservice", self.service.name, "--wait=false")

    def asked(self, sample: str) -> str:
        """The answer's text to one golden sample, through a port-forward. Raises where it is an error."""
        with self.service.forwarded() as url:
            response = requests.post(url, data=self.service.sample(sample), timeout=ANSWER_SECONDS)
        expect(response.ok, f"{url}: HTTP {response.status_code} {response.text}")
        return response.text
