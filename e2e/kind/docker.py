"""The few things asked of the Docker command line."""

import json
import subprocess
import time
from pathlib import Path

from e2e.kind.console import Step, duration
from e2e.kind.errors import SetupError
from e2e.kind.process import capture, logged

QUICK = 60.0  # seconds for what an engine answers at once; generous, because a busy machine is slow
REGISTRY_ANSWERS_WITHIN = 20.0


def docker(*args: str | Path, stdin: str | None = None, timeout: float = QUICK) -> str:
    """What a quick docker command prints. Raises SetupError when it fails."""
    done = capture(["docker", *args], timeout=timeout, stdin=stdin)
    if not done.ok:
        raise SetupError(f"`docker {' '.join(map(str, args[:4]))}` failed: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def image_id(name: str) -> str | None:
    """The id (`sha256:...`) of an image in the engine, or None where it has none of this name."""
    done = capture(["docker", "image", "inspect", "--format", "{{.Id}}", name], timeout=QUICK)
    return done.stdout.strip() if done.ok else None


def build(tag: str, dockerfile: Path, context: Path, log: Path, **arguments: str) -> None:
    """Builds an image and gives it its tag, which the engine does last. Raises CommandError.

    `arguments` are the Dockerfile's build arguments.
    """
    given = [part for name, value in arguments.items() for part in ("--build-arg", f"{name}={value}")]
    logged(["docker", "build", "--tag", tag, "--file", dockerfile, *given, context], log)


def pull(name: str, log: Path, step: Step) -> bool:
    """Pulls an image where a registry answers within 20 s. Returns whether the engine has it now.

    The engine prints its first line once the registry has answered; a download after that takes as long as it takes.
    """
    step.doing = f"asking the image registry for {name}"
    begin = log.stat().st_size if log.exists() else 0
    with log.open("a") as file:
        process = subprocess.Popen(
            ["docker", "pull", name], stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT
        )
    try:
        deadline = time.monotonic() + REGISTRY_ANSWERS_WITHIN
        while process.poll() is None:
            if "Pulling from" in log.read_text(errors="replace")[begin:]:
                step.doing = f"pulling {name}"
                return process.wait() == 0
            if time.monotonic() > deadline:
                with log.open("a") as file:
                    file.write(f"no answer within {duration(REGISTRY_ANSWERS_WITHIN)}\n")
                return False
            time.sleep(0.1)
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()
    return process.returncode == 0


def last_line(log: Path) -> str:
    """The last line of a log that is not empty, as the short reason for what happened."""
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1].removeprefix("Error response from daemon: ") if lines else "no output"


def data_root() -> Path:
    """The folder in which the engine keeps its images."""
    return Path(json.loads(docker("info", "--format", "{{json .DockerRootDir}}")))
