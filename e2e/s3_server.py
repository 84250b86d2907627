"""A real S3 server for tests: Versity's gateway on a folder.

`make s3-server` builds it ahead; a minute and a half of two cores, 45 MB stay.
"""

from __future__ import annotations

import os
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import requests

from e2e.go_program import GATEWAY, built
from e2e.ports import free_ports

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ACCESS_KEY, SECRET_KEY = "reader", "a-secret-of-one-test"
START_SECONDS = 60.0
CERTIFICATE = (
    *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
    *("-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"),
)


def command(program: Path | str, address: str, folder: Path | str, *more: str) -> list[str]:
    """The server's command line. Folders of `folder`/buckets are its buckets; `folder`/metadata has to be there too.

    The keys of the one user come from ROOT_ACCESS_KEY and ROOT_SECRET_KEY; /health answers when it is ready.
    """
    options = ("--port", address, "--health", "/health", "--quiet", *more)
    return [str(program), *options, "posix", "--sidecar", f"{folder}/metadata", f"{folder}/buckets"]


@dataclass(frozen=True)
class Gateway:
    """`buckets` is the folder of its buckets, `certificate` the one it shows, if it speaks TLS."""

    endpoint: str
    buckets: Path
    certificate: Path | None


@contextmanager
def gateway(folder: Path, *, tls: bool = False) -> Iterator[Gateway]:
    """Runs the server over an empty folder until the block ends."""
    for name in ("buckets/models", "metadata"):
        (folder / name).mkdir(parents=True)
    certificate, key = certify(folder) if tls else (None, None)
    options = ["--cert", str(certificate), "--key", str(key)] if tls else []
    (port,) = free_ports(1)
    address = f"127.0.0.1:{port}"
    made = Gateway(f"http{'s' if tls else ''}://{address}", folder / "buckets", certificate)
    environment = os.environ | {"ROOT_ACCESS_KEY": ACCESS_KEY, "ROOT_SECRET_KEY": SECRET_KEY}
    log = folder / "log"
    with (
        log.open("wb") as output,
        subprocess.Popen(
            command(built(GATEWAY), address, folder, *options), env=environment, stdout=output, stderr=subprocess.STDOUT
        ) as process,
    ):
        try:
            _wait(made, process, log)
            yield made
        finally:
            process.terminate()


def certify(folder: Path) -> tuple[Path, Path]:
    """A new certificate for localhost and its key, as server.crt and server.key in the folder."""
    key, certificate = folder / "server.key", folder / "server.crt"
    made = [*CERTIFICATE, "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(made, check=True, capture_output=True, timeout=30)
    return certificate, key


def _wait(server: Gateway, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    seen = "nothing"
    while time.monotonic() < deadline and process.poll() is None:
        try:
            answer = requests.get(
                f"{server.endpoint}/health", timeout=START_SECONDS, verify=str(server.certificate or True)
            )
            if answer.ok:
                return
            seen = f"HTTP {answer.status_code}"
        except requests.RequestException as error:
            seen = str(error)
        time.sleep(0.05)
    raise AssertionError(f"{server.endpoint} is not ready. Last seen: {seen}\n{log.read_text()}")
