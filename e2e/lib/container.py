"""The runtime image under Docker alone, started as docs/standalone.md says."""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import requests

from e2e.lib.cluster import ROOT, CommandFailed, run
from e2e.lib.pods import RUNTIME, image
from e2e.lib.wait import Seen, expect, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from e2e.lib.cluster import Object

# What docs/standalone.md gives every container: nothing to write to but memory, no capability, nothing to gain.
CONFINED = (
    *("--read-only", "--tmpfs", "/tmp", "--tmpfs", "/run"),  # noqa: S108 - the container's own
    *("--cap-drop", "ALL", "--security-opt", "no-new-privileges"),
)
READY_SECONDS = 120.0
END_SECONDS = 120.0
LABEL = "e2e.paddle-serving=standalone"


@dataclass(frozen=True, slots=True)
class Ended:
    """How a container has ended, and all that it said."""

    code: int
    output: str


@dataclass(frozen=True, slots=True)
class Container:
    """A running container; ports are published on the loopback interface."""

    id: str

    def url(self, port: int) -> str:
        """Where a port of the container is reached."""
        published = run(["docker", "port", self.id, str(port)]).splitlines()[0]
        return f"http://{published}"

    def own_url(self, port: int) -> str:
        """The same on the container's own address, without Docker's proxy, which accepts what nobody answers."""
        address = run(["docker", "inspect", "--format", "{{.NetworkSettings.IPAddress}}", self.id]).strip()
        return f"http://{address}:{port}"

    def logs(self) -> str:
        """Standard output and standard error."""
        done = subprocess.run(
            ["docker", "logs", self.id], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True
        )
        return done.stdout

    def records(self) -> list[Object]:
        """The log lines that are JSON, parsed."""
        return [json.loads(line) for line in self.logs().splitlines() if line.startswith("{")]

    def is_ready(self) -> Container:
        """Waits until /readyz says so."""

        def look() -> Seen:
            state = self.state()
            if not state["Running"]:
                return Seen(done=True, what=json.dumps(state))
            try:
                answer = requests.get(f"{self.url(8081)}/readyz", timeout=READY_SECONDS)
            except requests.RequestException as error:
                return Seen(done=False, what=str(error))
            return Seen(answer.ok, answer.text)

        wait_for("the container ready", look, within=READY_SECONDS)
        expect(self.state()["Running"], self.logs())
        return self

    def state(self) -> Object:
        """Docker's .State."""
        state: Object = json.loads(run(["docker", "inspect", "--format", "{{json .State}}", self.id]))
        return state

    def memory(self) -> int:
        """Bytes of anonymous and shared memory that its cgroup counts; the file cache can be taken back at any time."""
        folder = "/sys/fs/cgroup"
        stat = run(
            ["docker", "exec", self.id, "sh", "-c", f"cat {folder}/memory.stat || cat {folder}/memory/memory.stat"]
        )
        counted = {name: int(number) for name, number in (line.split() for line in stat.splitlines())}
        anonymous = counted.get("anon", counted.get("total_rss", 0))  # cgroup v2, v1
        return anonymous + counted.get("total_shmem", counted["shmem"])

    def has_ended(self) -> Ended:
        """Waits for the end by itself."""

        def look() -> Seen:
            state = self.state()
            return Seen(not state["Running"], json.dumps(state))

        wait_for("the container's end", look, within=END_SECONDS)
        return Ended(self.state()["ExitCode"], self.logs())

    def post(self, path: str, body: bytes) -> requests.Response:
        """The answer to a request on a connection of its own."""
        return requests.post(f"{self.url(8080)}/{path}", data=body, timeout=READY_SECONDS)


@contextmanager
def container(
    *command: str,
    options: tuple[str, ...] = CONFINED,
    package: Path | None = None,
    at: str = "/models",
    runtime: str = RUNTIME,
) -> Iterator[Container]:
    """`docker run` of a runtime image; removed at the end. The package is mounted read-only `at` a folder of it."""
    volume = ("--volume", f"{package}:{at}:ro") if package else ()
    publish = ("--publish", "127.0.0.1::8080", "--publish", "127.0.0.1::8081")
    started = run(["docker", "run", "--detach", "--label", LABEL, *publish, *options, *volume, runtime, *command])
    made = Container(started.strip())
    try:
        yield made
    finally:
        run(["docker", "rm", "--force", "--volumes", made.id])


def output_of(*command: str, options: tuple[str, ...] = CONFINED) -> str:
    """What a program of the image prints. Raises CommandFailed."""
    return run(
        ["docker", "run", "--rm", "--label", LABEL, *options, "--entrypoint", command[0], RUNTIME, *command[1:]],
        timeout=READY_SECONDS,
    )


def example_package(name: str, folder: Path) -> Path:
    """The model package of an example, copied out of its image, readable for everybody."""
    require_images(image(f"paddle-serving-example-{name}"))
    made = run(["docker", "create", image(f"paddle-serving-example-{name}"), "true"]).strip()
    try:
        packed = subprocess.run(["docker", "cp", f"{made}:/model", "-"], stdout=subprocess.PIPE, check=True).stdout
    finally:
        run(["docker", "rm", made])
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(folder, filter="data")
    subprocess.run(["chmod", "-R", "a+rX", folder], check=True)
    return folder / "model"


def require_images(*references: str) -> None:
    """Raises AssertionError with the command that makes an image where the Docker engine does not have it."""
    for reference in references:
        try:
            run(["docker", "image", "inspect", "--format", "{{.Id}}", reference])
        except CommandFailed as error:
            raise AssertionError(
                f"{error}\nRun in {ROOT}: python3 e2e/kind base-image && python -m images build"
            ) from None
