"""A real model served and checked on this machine: no cluster, no Docker.

Installs what the runtime needs into a folder of its own, assembles the OCR example, serves it, sends it a picture, and
compares its answers with Paddle Inference. At the end, however it ends, the server is stopped and the folder removed;
what was downloaded stays in the caches of uv and of the examples. Needs Python 3.11 or newer and nothing beside it.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from e2e.commands import ROOT, StepError, leave_out_proxies, run
from e2e.ports import free_ports
from e2e.steps import Steps

FOLDER = ROOT / "build" / "try"
EXAMPLE = "ocr-rec"
READY_SECONDS = 300.0
STOP_SECONDS = 60.0
SIGN_OF_LIFE_SECONDS = 5.0
POLL_SECONDS = 0.2
INTERRUPTED = 130

NEXT = """
The server is stopped and {folder} is removed; what was downloaded stays for the next time ({cache}).

  make quickstart          the same model on Kubernetes: a cluster, the operator, the verdict in its status
  docs/standalone.md       your own model on this machine, with and without Docker
"""


@contextmanager
def workplace(folder: Path) -> Iterator[None]:
    """An empty folder while the body runs, removed after it. Raises StepError where another run is at work in it."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StepError(f"Another `make try` is at work in {folder}. Wait for it to end.") from error
        shutil.rmtree(folder, ignore_errors=True)  # what a run left that was killed
        folder.mkdir()
        try:
            yield
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def install() -> Path:
    """Where the programs are, installed with the locked packages of the runtime and none of those for development."""
    flags = ["--frozen", "--no-dev", "--no-editable", "--package", "paddle-serving-runtime", "--extra", "cpu"]
    run("uv", "sync", *flags, environment=os.environ | {"UV_PROJECT_ENVIRONMENT": str(FOLDER / "venv")})
    return FOLDER / "venv" / "bin"


def reviewed_digest() -> str:
    """The digest that the example's custom resource names: `serve` refuses any other files."""
    text = (ROOT / "examples" / f"{EXAMPLE}.yaml").read_text()
    found = re.search(r"digest: (sha256:[0-9a-f]{64})", text)
    if not found:
        raise StepError(f"examples/{EXAMPLE}.yaml has no line `digest: sha256:...`")
    return found[1]


def assemble(programs: Path) -> Path:
    """The model package: the example's files, the weights, the manifest."""
    model = FOLDER / EXAMPLE
    run(sys.executable, "examples/build.py", EXAMPLE, str(model))
    run(str(programs / "paddle-serving-runtime"), "digest", str(model))
    return model


@contextmanager
def served(programs: Path, model: Path, http: int, admin: int) -> Iterator[None]:
    """Serves the package on loopback while the body runs, Ready before it begins. Raises StepError."""
    command = [str(programs / "paddle-serving-runtime"), "serve", "--model-dir", str(model), "--name", EXAMPLE]
    command += ["--digest", reviewed_digest(), "--workers", "1", "--standby", "false", "--drain-delay", "0"]
    command += ["--http-port", str(http), "--admin-port", str(admin), "--grpc-port", "0"]
    print(f"      $ {' '.join(command)} &", flush=True)
    log = FOLDER / "serve.log"
    with log.open("wb") as file:
        # a group of its own: Ctrl-C in the terminal is for this process, which then stops the server
        server = subprocess.Popen(command, stdout=file, stderr=file, start_new_session=True)
    try:
        wait_until_ready(server, log, admin)
        yield
    finally:
        stop(server)


def stop(server: subprocess.Popen[bytes]) -> None:
    """Lets the server drain; ends it where it does not within STOP_SECONDS."""
    server.terminate()
    try:
        server.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def wait_until_ready(server: subprocess.Popen[bytes], log: Path, admin: int) -> None:
    """Shows what the server says, and the seconds so far, until it is Ready. Raises StepError where it is never."""
    started, shown, sign = time.monotonic(), 0, SIGN_OF_LIFE_SECONDS
    while (elapsed := time.monotonic() - started) < READY_SECONDS:
        ended = server.poll() is not None  # asked first, so that its last words are in the log that is read next
        lines = log.read_text(errors="replace").splitlines()
        for line in lines[shown:]:
            print(f"      {elapsed:5.1f} s  {sentence(line)}", flush=True)
        if ended:
            raise StepError(f"`serve` ended with status {server.returncode}; what it said is above.")
        if is_ready(admin):
            return
        if len(lines) == shown and elapsed >= sign:
            print(f"      {elapsed:5.1f} s  ... worker and reference load Paddle and the model", flush=True)
        if len(lines) > shown or elapsed >= sign:
            sign = elapsed + SIGN_OF_LIFE_SECONDS
        shown = len(lines)
        time.sleep(POLL_SECONDS)
    raise StepError(f"`serve` was not ready within {READY_SECONDS:.0f} s; what it said is above.")


def is_ready(admin: int) -> bool:
    """Whether every golden sample was answered as Paddle Inference answers it."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{admin}/readyz", timeout=STOP_SECONDS) as answer:
            return bool(answer.status == 200)  # noqa: PLR2004 - OK
    except OSError:  # urllib.error.URLError is one
        return False


def sentence(line: str) -> str:
    """What a line of the server's log says; the line itself where it is no JSON."""
    try:
        return str(json.loads(line)["message"])
    except (ValueError, KeyError, TypeError):
        return line


def try_out(steps: Steps) -> None:
    """The whole way; see the module's docstring. Raises StepError."""
    http, admin = free_ports(2)
    url = f"http://127.0.0.1:{http}"
    with steps.step("Python packages: Paddle, Paddle Serving, the runtime (some 250 MB the first time)"):
        programs = install()
    with steps.step("a model package: PP-OCRv4 text recognition, with its weights"):
        model = assemble(programs)
    with ExitStack() as until_the_end:
        with steps.step("serve it: Ready once every golden sample is answered as Paddle Inference answers it"):
            until_the_end.enter_context(served(programs, model, http, admin))
        with steps.step("query: a picture in, its text out"):
            client = ["examples/ocr-rec/pipeline_http_client.py", "--image", "examples/ocr-rec/images/hello.png"]
            run(str(programs / "python"), *client, "--url", f"{url}/{EXAMPLE}/prediction")
        with steps.step("verdict: is the server's answer what Paddle Inference answers?"):
            check = ["check", "--url", url, "--model-dir", str(model), "--name", EXAMPLE]
            run(str(programs / "paddle-serving-runtime"), *check)


def main() -> int:
    """The exit status: 0 answered and consistent, 1 with a sentence on standard error, 130 when interrupted."""
    parser = argparse.ArgumentParser(prog="make try", description=__doc__)
    parser.add_argument("--times", type=Path, help="where the seconds of each step go, as JSON")
    times = parser.parse_args().times
    steps = Steps(total=5)
    leave_out_proxies()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # who ends this ends the server too, as Ctrl-C does
    try:
        with workplace(FOLDER):
            try_out(steps)
    except StepError as error:
        print(f"\ntry: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ntry: interrupted; the server is stopped and its folder removed.", file=sys.stderr)
        return INTERRUPTED
    if times:
        steps.write(times)
    print(NEXT.format(folder=FOLDER.relative_to(ROOT), cache=os.environ.get("UV_CACHE_DIR", "uv's own cache")))
    return 0


if __name__ == "__main__":
    sys.exit(main())
