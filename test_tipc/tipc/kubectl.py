"""kubectl as a command: what the cluster target needs of it."""

import json
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tipc.target import TargetError

PAUSE = 0.1
SECONDS = 300
FORWARDING = re.compile(r"Forwarding from 127\.0\.0\.1:(\d+) -> ")


class Kubectl:
    """Commands in one namespace of the current context."""

    def __init__(self, namespace: str) -> None:
        self._namespace = namespace

    def command(self, *arguments: str) -> list[str]:
        """The command line."""
        return ["kubectl", "--namespace", self._namespace, *arguments]

    def run(self, *arguments: str) -> str:
        """What the command prints. Raises TargetError with its message where it fails."""
        try:
            result = subprocess.run(
                self.command(*arguments), capture_output=True, text=True, check=False, timeout=SECONDS
            )
        except FileNotFoundError:
            raise TargetError('kubectl is not on PATH; for the kind cluster: eval "$(python3 e2e/kind env)"') from None
        except subprocess.TimeoutExpired:
            raise TargetError(f"kubectl {' '.join(arguments)}: no answer after {SECONDS} s") from None
        if result.returncode:
            raise TargetError(f"kubectl {' '.join(arguments)}: {result.stderr.strip() or result.stdout.strip()}")
        return result.stdout

    def get(self, kind: str, name: str) -> dict[str, Any]:
        """One object. Raises TargetError."""
        found: dict[str, Any] = json.loads(self.run("get", kind, name, "-o", "json"))
        return found

    def ready_pod(self, service: str) -> dict[str, Any]:
        """A Ready pod of the PaddleService. Raises TargetError where there is none."""
        selector = f"serving.paddlepaddle.org/service={service}"
        for pod in json.loads(self.run("get", "pods", "-l", selector, "-o", "json"))["items"]:
            conditions = {item["type"]: item["status"] for item in pod.get("status", {}).get("conditions", [])}
            if conditions.get("Ready") == "True" and "deletionTimestamp" not in pod["metadata"]:
                ready: dict[str, Any] = pod
                return ready
        raise TargetError(f"PaddleService {service} has no Ready pod")


def forwarded_ports(log: Path, alive: Callable[[], bool], count: int, deadline: float) -> list[int]:
    """The local ports that `kubectl port-forward` says it listens on, in the order of its arguments.

    Raises TargetError where it does not say so for `count` of them.
    """
    while True:
        text = log.read_text(encoding="utf-8")
        if len(found := FORWARDING.findall(text)) >= count:
            return [int(port) for port in found]
        if not alive() or time.monotonic() >= deadline:
            raise TargetError(f"kubectl port-forward does not listen: {text.strip() or 'it printed nothing'}")
        time.sleep(PAUSE)
