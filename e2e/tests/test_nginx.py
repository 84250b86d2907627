"""The nginx configuration of docs/standalone.md in front of containers. Needs Docker and the images, no cluster."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pytest
import requests
import tritonclient.grpc as triton

from e2e.lib.cluster import run
from e2e.lib.container import CONFINED, container
from e2e.lib.standalone import DOCUMENT, NAME, housing, open_folder
from e2e.lib.wait import Seen, expect, wait_for
from e2e.ports import free_ports
from e2e.s3_server import certify
from tools.documents import replaced, snippet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from e2e.lib.container import Container

pytestmark = pytest.mark.e2e

NGINX = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
START_SECONDS = 60.0
LOAD_SECONDS = 60.0
ANSWERS = 40
PRICE = 22.738298
HOUSES = 50_000
"""As many make 2.6 MB over gRPC and 3 MB as JSON; nginx's own limit is 1 MB."""

AROUND = """
daemon off;
pid {folder}/pid;
{user}
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
{servers}
}}
"""


@dataclass(frozen=True)
class Proxy:
    """nginx as an ordinary process; everything it writes lies in `folder`."""

    folder: Path
    http: int
    grpc: int

    @property
    def certificate(self) -> Path:
        return self.folder / "server.crt"

    def command(self, *more: str) -> list[str]:
        assert NGINX, "nginx is missing: make standalone-tools"
        return [NGINX, "-c", str(self.folder / "nginx.conf"), "-e", str(self.folder / "log"), *more]

    def points_at(self, served: Container) -> None:
        """Writes the document's configuration with the ports of that container; only names and ports are others."""
        servers = replaced(
            snippet(DOCUMENT, "nginx"),
            {
                "listen 443 ": f"listen 127.0.0.1:{self.http} ",
                "listen 9443 ": f"listen 127.0.0.1:{self.grpc} ",
                "/etc/nginx/tls/tls.crt": str(self.certificate),
                "/etc/nginx/tls/tls.key": str(self.folder / "server.key"),
                "127.0.0.1:8080": served.url(8080).removeprefix("http://"),
                "127.0.0.1:9000": served.url(9000).removeprefix("http://"),
            },
            DOCUMENT,
        )
        user = "user root;" if os.geteuid() == 0 else ""
        (self.folder / "nginx.conf").write_text(AROUND.format(folder=self.folder, user=user, servers=servers))

    def ask_http(self, houses: int = 1) -> None:
        """One request over a connection of its own; a refusal or another answer raises."""
        url = f"https://127.0.0.1:{self.http}/{NAME}/prediction"
        x = {"name": "x", "elem_type": 1, "shape": [houses, 13], "float_data": [0.0] * 13 * houses}
        answer = requests.post(url, json={"tensors": [x]}, timeout=60, verify=str(self.certificate))
        expect(answer.ok, f"HTTP {answer.status_code}: {answer.text}")
        expect(answer.json()["tensors"][0]["float_data"] == [PRICE] * houses, answer.text[:300])

    def ask_grpc(self, houses: int = 1) -> None:
        """The same over gRPC."""
        batch = np.zeros((houses, 13), np.float32)
        x = triton.InferInput("x", batch.shape, "FP32").set_data_from_numpy(batch)
        address = f"127.0.0.1:{self.grpc}"
        with triton.InferenceServerClient(address, ssl=True, root_certificates=str(self.certificate)) as client:
            prices = client.infer(NAME, [x], client_timeout=60).as_numpy("price")
        expect(prices.shape == (houses, 1) and np.all(prices == np.float32(PRICE)), str(prices))


@contextmanager
def proxy(folder: Path, served: Container) -> Iterator[Proxy]:
    """Runs nginx in front of a container until the block ends."""
    certify(folder)
    made = Proxy(folder, *free_ports(2))
    made.points_at(served)
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(made.command(), stdout=output, stderr=subprocess.STDOUT)

    def look() -> Seen:
        listens = True
        try:
            socket.create_connection(("127.0.0.1", made.http), timeout=5).close()
        except OSError:
            listens = False
        return Seen(listens or process.poll() is not None, (folder / "output").read_text())

    try:
        wait_for("nginx listening", look, within=START_SECONDS)
        expect(process.poll() is None, (folder / "output").read_text())
        yield made
    finally:
        process.terminate()
        process.wait(timeout=START_SECONDS)


@dataclass
class Load:
    """Asks over and over until told to stop; keeps what failed, in words."""

    ask: Callable[[], None]
    answered: int = 0
    failures: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """A thread's work."""
        while not self.over.wait(0.02):
            try:
                self.ask()
                self.answered += 1
            except Exception as error:  # noqa: BLE001 - whatever it is, the request failed
                self.failures.append(repr(error))

    def goes_on(self) -> None:
        """Waits for more answers."""
        goal = self.answered + ANSWERS

        def look() -> Seen:
            return Seen(self.answered >= goal or bool(self.failures), f"{self.answered} of {goal}")

        wait_for("answers through nginx", look, within=LOAD_SECONDS)


@contextmanager
def load(*asks: Callable[[], None]) -> Iterator[list[Load]]:
    """One thread for each way to ask."""
    loads = [Load(ask) for ask in asks]
    threads = [threading.Thread(target=each.run) for each in loads]
    for thread in threads:
        thread.start()
    try:
        yield loads
    finally:
        for each in loads:
            each.over.set()
        for thread in threads:
            thread.join(timeout=LOAD_SECONDS)


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Container, Container]]:
    """The service and the one that is to take its place; both started at once, for the time it takes."""
    package = housing(open_folder(tmp_path_factory, "package"))
    options = (*CONFINED, "--publish", "127.0.0.1::9000", "--stop-timeout", "30")
    command = ("serve", "--model-dir", "/models", "--name", NAME, "--workers", "1")
    with ExitStack() as stack:
        old, new = (stack.enter_context(container(*command, options=options, package=package)) for _ in range(2))
        yield old.is_ready(), new.is_ready()


@pytest.fixture
def nginx(services: tuple[Container, Container], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    with proxy(open_folder(tmp_path_factory, "nginx"), services[0]) as made:
        yield made


def test_nginx_checks_the_documents_configuration_without_a_warning(nginx: Proxy) -> None:
    done = subprocess.run(nginx.command("-t"), capture_output=True, text=True, check=True)
    assert "successful" in done.stderr
    assert "[warn]" not in done.stderr


def test_requests_of_megabytes_pass_nginx_over_both_protocols(nginx: Proxy) -> None:
    nginx.ask_http(HOUSES)
    nginx.ask_grpc(HOUSES)


def test_a_switch_to_a_new_service_under_load_fails_no_request(
    nginx: Proxy, services: tuple[Container, Container]
) -> None:
    old, new = services
    with load(nginx.ask_http, nginx.ask_grpc) as loads:
        for each in loads:
            each.goes_on()
        nginx.points_at(new)
        run(nginx.command("-s", "reload"))
        run(["docker", "stop", old.id])
        for each in loads:
            each.goes_on()
    assert [each.failures for each in loads] == [[], []]
    assert old.state()["ExitCode"] == 0
