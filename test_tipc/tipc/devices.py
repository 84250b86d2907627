"""Which devices there are, and on which one, with what, a service computes: asked of those who know."""

import http.client
import json
import os
import subprocess
from dataclasses import dataclass

from tipc.sending import send

ASKED_SECONDS = 60
NOT_THERE = 3
CHECK = f"""
import sys
try:
    import paddle
    from paddle_serving_runtime.errors import InvalidOption
    from paddle_serving_runtime.paddle_model.predictor import require_gpu
except ImportError:
    sys.exit(0)
try:
    require_gpu(paddle, "gpu:0")
except InvalidOption as error:
    print(error.message)
    sys.exit({NOT_THERE})
"""
"""Asks as a worker does before it loads a model. Without the runtime nothing is known, and the service itself tells."""


def gpu_missing(python: str) -> str:
    """Why a service of this interpreter has no GPU here; empty where it has one, or where that cannot be known."""
    command = [python, "-P", "-W", "ignore", "-c", CHECK]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=ASKED_SECONDS, env=dict(os.environ)
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip().splitlines()[-1] if done.returncode == NOT_THERE else ""


@dataclass(frozen=True)
class Report:
    """What a worker says of itself: the device that it computes on, and sentences about what has no effect on it.

    `backend` is which of Paddle's engines computes. All are empty where nothing reports.
    """

    device: str = ""
    warnings: tuple[str, ...] = ()
    backend: str = ""


def reported(address: tuple[str, int]) -> Report:
    """The report of the runtime whose admin port this is."""
    try:
        status, body = send("GET", f"http://{address[0]}:{address[1]}/report", address, [], b"", ASKED_SECONDS)
    except (OSError, http.client.HTTPException):
        return Report()
    return read_report(body) if status == http.HTTPStatus.OK else Report()


def read_report(text: str | bytes) -> Report:
    """The report of a runtime."""
    try:
        document = json.loads(text)
        device, warnings = str(document["device"]), tuple(map(str, document.get("warnings", [])))
        return Report(device, warnings, str(document.get("backend", "")))
    except (ValueError, KeyError, TypeError):
        return Report()


def contradiction(asked: str, device: str) -> str:
    """What is wrong where a service was asked for `cpu` or `gpu` and reports another device; empty for nothing."""
    if not asked or not device or device.partition(":")[0] == asked:
        return ""
    return (
        f"the configuration asks for the device {asked}, but the worker computes on {device}: the key that it names "
        "has no effect on the service. Name the one that has, op.<name>.local_service_conf.devices."
    )
