"""Thousands of PaddleServices on a real API server, an operator of any checkout, and everything that is counted there.

kwok plays the kubelets: a pod is Ready as soon as it has a node. Every pod has the address of this machine, where
one server of this process says for all of them what they have proved.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import yaml
from tests.integration.control_plane import (  # type: ignore[import-not-found]
    RESTRICTED,
    TOKEN,
    ControlPlane,
)
from tests.integration.crowd import STAGES, crowd  # type: ignore[import-not-found]
from tests.integration.world import World, spec  # type: ignore[import-not-found]
from typing_extensions import override

from benchmarks.cpu import precise_seconds, stats
from benchmarks.operator_calls import POLICY, USER, Calls, calls_of
from benchmarks.operator_watch import Watch
from paddle_serving_operator.constants import ADMIN_PORT, DEPLOYMENT, PADDLE_SERVICE

CREATORS = 8  # threads; kubectl apply of a folder has one, a GitOps controller some
DEFINITION = "charts/paddle-serving-operator/files/crds/paddleservices.yaml"
SOURCES = "operator/src"
IMAGE = "images/operator/Dockerfile"
OPERATOR = "operator"
PATIENCE_SECONDS = 3600.0
LOOK_SECONDS = 1.0  # a look at thousands costs some milliseconds; when each was ready is known from the watch
AUDIT_MEGABYTES = 100_000  # past it the log is renamed, and a part of it would not be read
REPORT = {"verdict": "Recorded", "samples": 3, "recorded": 3, "paddleVersion": "3.3.1", "device": "cpu"}
SPEC = spec(replicas=1)


@dataclass(frozen=True, slots=True)
class Build:
    """A checkout of this project, of which the definition and the operator are used."""

    name: str
    root: Path


class Crowd:
    """The control plane with its namespaces. `start_operator` may be called again: the one before is ended."""

    def __init__(self, plane: ControlPlane, folder: Path, build: Build, namespaces: int) -> None:
        self._plane, self._folder, self._build = plane, folder, build
        self.worlds = [World(plane, plays_kubelet=False) for _ in range(namespaces)]
        self._audit = folder / "audit.log"
        self._read = 0
        self._numbers = itertools.count(1)
        self.pid = 0
        self.services = Watch(plane, PADDLE_SERVICE, TOKEN)
        self.deployments = Watch(plane, DEPLOYMENT, TOKEN)

    @contextmanager
    def operator(self) -> Iterator[None]:
        """The operator as a process, for the whole cluster, as a user of its own."""
        settings = {"PYTHONPATH": str(self._build.root / SOURCES), **heap_of((self._build.root / IMAGE).read_text())}
        folder = self._folder / f"operator-{next(self._numbers)}"
        with self.worlds[0].operator(folder, "", self._plane.restricted, settings) as process:
            self.pid = process.pid
            yield

    def create(self, count: int) -> list[str]:
        """Creates so many PaddleServices, in turn in each namespace. Returns namespace/name of each."""
        worlds = self.in_turn(count)
        names = [f"service-{next(self._numbers)}" for _ in worlds]
        with ThreadPoolExecutor(CREATORS) as pool:
            for done in [pool.submit(world.create, name, SPEC) for world, name in zip(worlds, names, strict=True)]:
                done.result()
        return [f"{world.namespace}/{name}" for world, name in zip(worlds, names, strict=True)]

    def change(self, key: str, **fields: object) -> None:
        """Merges fields into the spec of a PaddleService."""
        self.world_of(key).change(key.partition("/")[2], **fields)

    def in_turn(self, count: int) -> list[World]:
        """So many namespaces, one after the other, again and again."""
        return [self.worlds[number % len(self.worlds)] for number in range(count)]

    def world_of(self, key: str) -> World:
        """The namespace of namespace/name."""
        namespace = key.partition("/")[0]
        return next(world for world in self.worlds if world.namespace == namespace)

    def calls(self) -> Calls:
        """The operator's requests since the last look."""
        with self._audit.open("rb") as log:
            log.seek(self._read)
            content = log.read()
        whole = content[: content.rfind(b"\n") + 1]
        self._read += len(whole)
        return calls_of(whole.decode().splitlines())

    def seconds(self) -> dict[str, float]:
        """CPU seconds so far of every process, by program; a program that has ended is not among them."""
        pids = {**self._plane.pids, OPERATOR: self.pid, "benchmark": os.getpid()}
        found = stats(pids.values())
        return {name: precise_seconds(pid, found[pid]) for name, pid in pids.items() if pid in found}

    def memory(self) -> Mapping[str, float]:
        """Resident MiB of the operator: now, and the most so far."""
        return parse_memory(Path(f"/proc/{self.pid}/status").read_text())

    def close(self) -> None:
        """Ends the watches and the namespaces' threads; the control plane is stopped by whoever started it."""
        for watch in (self.services, self.deployments):
            watch.close()


def heap_of(dockerfile: str) -> dict[str, str]:
    """What an image tells the C library about the heap. Source: GNU C Library, Tunables; mallopt(3)."""
    return dict(re.findall(r"\b(MALLOC_\w+)=(\w+)", dockerfile))


def parse_memory(text: str) -> dict[str, float]:
    """Resident MiB by /proc/<pid>/status, now and the most. Source: proc(5), VmRSS and VmHWM in KiB."""
    fields = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    return {
        name: round(int(fields[field].split()[0]) / 1024, 1)
        for name, field in (("mib", "VmRSS"), ("peak_mib", "VmHWM"))
    }


def used(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """CPU seconds between two looks."""
    return {name: round(seconds - before.get(name, 0.0), 3) for name, seconds in after.items()}


def after(seconds: float, what: Callable[[], str], holds: Callable[[], object], pause: float = 0.05) -> None:
    """Waits for it, with a `pause` between two looks. Raises TimeoutError that says what was waited for."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds:.0f} s: {what()}")
        time.sleep(pause)


def own_address() -> str:
    """An address of this machine that is not loopback, which no endpoint may have. Raises OSError without one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # a datagram socket sends nothing by this
        address: str = probe.getsockname()[0]
    return address


class _Pods(BaseHTTPRequestHandler):
    """What every pod answers on its admin port."""

    protocol_version = "HTTP/1.1"
    body = json.dumps(REPORT).encode()

    def do_GET(self) -> None:
        with suppress(ConnectionError):  # an operator that waits for no longer asks again
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(self.body)))
            self.end_headers()
            self.wfile.write(self.body)

    @override
    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


@contextmanager
def pods(address: str) -> Iterator[None]:
    """Answers for every pod."""
    server = ThreadingHTTPServer((address, ADMIN_PORT), _Pods)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


def _flags(folder: Path) -> Sequence[str]:
    (folder / "audit.yaml").write_text(yaml.safe_dump(POLICY))
    return (
        f"--audit-policy-file={folder / 'audit.yaml'}",
        f"--audit-log-path={folder / 'audit.log'}",
        f"--audit-log-maxsize={AUDIT_MEGABYTES}",
    )


@contextmanager
def crowded(folder: Path, build: Build, namespaces: int) -> Iterator[Crowd]:
    """A cluster of its own for one build. The operator has all rights there."""
    address = own_address()
    stages = folder / "stages.yaml"
    stages.write_text(STAGES.read_text().replace("{{ index . 0 | Quote }}", json.dumps(address)))
    definition = build.root / DEFINITION
    plane = crowd(folder, stages, _flags(folder), definition)
    try:
        binding = {
            "metadata": {"name": USER},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": RESTRICTED}],
        }
        plane.request("post", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", binding)
        with pods(address):
            made = Crowd(plane, folder, build, namespaces)
            yield made
            made.close()
    finally:
        plane.stop()
