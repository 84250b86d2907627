"""An image registry of a test's own on loopback: Debian's docker-registry over an empty folder, without a password."""

from __future__ import annotations

import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import requests

from e2e.lib.wait import Seen, expect, wait_for
from e2e.ports import free_ports

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

START_SECONDS = 60.0
CALL_SECONDS = 60.0
CONFIGURATION = """version: 0.1
log: {{level: warn}}
storage:
  filesystem: {{rootdirectory: {folder}/data}}
http:
  addr: {address}
"""
MANIFESTS = "application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json"


@dataclass(frozen=True, slots=True)
class Registry:
    """`address` is what images are named by, `host:port`."""

    address: str

    def digest(self, repository: str, tag: str) -> str:
        """What the registry has under this tag. Raises AssertionError where it has nothing."""
        url = f"http://{self.address}/v2/{repository}/manifests/{tag}"
        answer = requests.head(url, headers={"Accept": MANIFESTS}, timeout=CALL_SECONDS)
        expect(answer.ok, f"{url} answers {answer.status_code}")
        return answer.headers["Docker-Content-Digest"]


@contextmanager
def registry(folder: Path) -> Iterator[Registry]:
    """Runs it until the block ends."""
    (port,) = free_ports(1)
    made = Registry(f"127.0.0.1:{port}")
    configuration, log = folder / "registry.yml", folder / "registry.log"
    configuration.write_text(CONFIGURATION.format(folder=folder, address=made.address))
    command = ["docker-registry", "serve", str(configuration)]
    with log.open("wb") as output, subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT) as process:

        def look() -> Seen:
            expect(process.poll() is None, f"docker-registry ended: {log.read_text()}")
            try:
                answers = requests.get(f"http://{made.address}/v2/", timeout=CALL_SECONDS).ok
            except requests.ConnectionError:
                answers = False
            return Seen(answers, log.read_text())

        try:
            wait_for("docker-registry answers", look, within=START_SECONDS)
            yield made
        finally:
            process.terminate()
