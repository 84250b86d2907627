"""The start of a pod's containers for a large model: with and without a cache of packages, and from a model image.

`fetch` from a store that sends 125 MB a second, as a network card of 1 Gbit/s does, then `serve` until it is Ready.
The first turn with the cache fills it; those after it are what a second pod on the same node does. A model image is on
the node already: it is copied by its own `cp` and by `fetch`, or served from where it is.
"""

from __future__ import annotations

import http.server
import shutil
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from typing_extensions import override

from benchmarks import servers
from benchmarks.models import ROOT
from benchmarks.results import WORK, Results, arguments, output_of

MEGABYTES = 2000
BYTES_PER_SECOND = 125_000_000
_PIECE = 1 << 20
_LIMIT = 1 << 40
_READY_SECONDS = 300.0
_PORTS = (18680, 18681, 18690)


class _Store(http.server.BaseHTTPRequestHandler):
    archive: Path

    def do_GET(self) -> None:
        """Sends the archive no faster than the network would."""
        self.send_response(200)
        self.send_header("Content-Length", str(self.archive.stat().st_size))
        self.end_headers()
        began, sent = time.monotonic(), 0
        with self.archive.open("rb") as stream:
            while piece := stream.read(_PIECE):
                self.wfile.write(piece)
                sent += len(piece)
                time.sleep(max(0.0, began + sent / BYTES_PER_SECOND - time.monotonic()))

    @override
    def log_message(self, *_arguments: object) -> None:
        pass


@contextmanager
def store(archive: Path) -> Iterator[str]:
    """The address of the archive."""
    handler = type("Store", (_Store,), {"archive": archive})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/package.tar"
    finally:
        server.shutdown()
        server.server_close()


def made(folder: Path, megabytes: int) -> tuple[str, Path, Path]:
    """A package and its archive: the digest, and where both are."""
    package, archive = folder / "package", folder / "package.tar"
    shutil.rmtree(folder, ignore_errors=True)
    package.mkdir(parents=True)
    export = [sys.executable, str(ROOT / "benchmarks" / "embedding_model.py"), str(package), str(megabytes)]
    subprocess.run(export, check=True, stdout=subprocess.DEVNULL)
    done = subprocess.run(
        ["paddle-serving-runtime", "digest", str(package)], check=True, capture_output=True, text=True
    )
    with tarfile.open(archive, "w") as tar:
        tar.add(package, arcname=".")
    return done.stdout.split()[0], package, archive


def started(url: str, digest: str, models: Path, cache: Path | None) -> dict[str, float]:
    """Seconds of `fetch`, and of `serve` until Ready, of a pod that starts with an empty volume `models`."""
    keeping = [] if cache is None else ["--cache", str(cache), "--cache-limit", str(_LIMIT)]
    command = ["paddle-serving-runtime", "fetch", "--from-http", url, "--digest", digest, "--output", str(models)]
    began = time.monotonic()
    subprocess.run([*command, *keeping], check=True, stdout=subprocess.DEVNULL)
    fetched = time.monotonic()
    ready = served(models, digest) - fetched
    return {"fetch_seconds": round(fetched - began, 2), "serve_seconds": round(ready, 2)}


def copied(image: Path, digest: str, models: Path) -> dict[str, float]:
    """The same for a pod that copies the package out of its model image, as both of its first containers do."""
    files = models.with_name("store")
    began = time.monotonic()
    subprocess.run(["cp", "-R", f"{image}/.", str(files)], check=True)
    command = ["paddle-serving-runtime", "fetch", "--from-dir", str(files), "--digest", digest, "--output", str(models)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    fetched = time.monotonic()
    ready = served(models, digest) - fetched
    shutil.rmtree(files)
    shutil.rmtree(models)
    return {"fetch_seconds": round(fetched - began, 2), "serve_seconds": round(ready, 2)}


def mounted(image: Path, digest: str) -> dict[str, float]:
    """The same for a pod that has its model image as a volume."""
    began = time.monotonic()
    return {"fetch_seconds": 0.0, "serve_seconds": round(served(image, digest) - began, 2)}


def served(models: Path, digest: str) -> float:
    """The time.monotonic() at which one worker is Ready."""
    http_port, admin_port, grpc_port = _PORTS
    command = (
        *("paddle-serving-runtime", "serve", "--model-dir", str(models), "--name", "large", "--digest", digest),
        *("--workers", "1", "--standby", "false", "--drain-delay", "0", "--http-port", str(http_port)),
        *("--admin-port", str(admin_port), "--grpc-port", str(grpc_port)),
    )
    server = servers.Server("large model", command, (http_port, grpc_port), admin_port, ())
    with servers.launched(server) as (run, log):
        servers.wait_until_ready(run, log, _READY_SECONDS)
        return time.monotonic()


def main() -> int:
    """Measures what is not there yet; exit status 1 where a server did not start."""
    parser = arguments("model_cache", (__doc__ or "").partition("\n")[0])
    parser.add_argument("--repeat", type=int, default=3, help="starts of each kind")
    options = parser.parse_args()
    repeat, megabytes = (1, 100) if options.quick else (options.repeat, MEGABYTES)
    settings = {"repeat": repeat, "megabytes": megabytes, "bytes_per_second": BYTES_PER_SECOND}
    results = Results("model_cache", settings, output_of("model-cache", options), fresh=True)
    folder = WORK / "model-cache"
    models = folder / "models"
    digest, image, archive = made(folder, megabytes)
    results.say(f"a package of {archive.stat().st_size / 1e6:.0f} MB is made")
    with store(archive) as url:
        for turn in range(repeat + 1):
            for kind, cache in (("without", None), ("with", folder / "cache")):
                row = started(url, digest, models, cache)
                shutil.rmtree(models)
                # the first of both goes into no figure of a second pod: it fills the cache, and what the system caches
                results.put(f"{kind} {turn}", {"cache": kind, "round": turn, **row})
                results.say(f"{kind} the cache, {turn} of {repeat}: {row}")
            for kind, row in (("copied", copied(image, digest, models)), ("mounted", mounted(image, digest))):
                results.put(f"{kind} {turn}", {"cache": kind, "round": turn, **row})
                results.say(f"a model image that is {kind}, {turn} of {repeat}: {row}")
    shutil.rmtree(folder)
    return results.finish()


if __name__ == "__main__":
    sys.exit(main())
