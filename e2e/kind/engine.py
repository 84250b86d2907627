"""A Docker engine that answers: the one there is, else Debian's, started by hand and stopped again by `clean`."""

import json
import os
import platform
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from e2e.kind.cache import Cache, write_atomically
from e2e.kind.console import Console, Step
from e2e.kind.errors import CommandError, SetupError
from e2e.kind.process import Result, capture, logged, wait_until

HERE = Path(__file__).parent
RUNTIME = HERE / "oci_runtime.py"
STARTS_WITHIN = 60.0
STOPS_WITHIN = 60.0
INFO_TIMEOUT = 15.0
SYSTEMD = Path("/run/systemd/system")
PID_FILES = {Path("/var/run/docker.pid"): "dockerd", Path("/var/run/docker/containerd/containerd.pid"): "containerd"}


@dataclass(frozen=True)
class Daemon:
    """A process that we started: a number alone could belong to another process by now."""

    pid: int
    started: str  # clock ticks after boot, field 22 of /proc/PID/stat
    boot: str


def require_platform(system: str, machine: str) -> None:
    """Raises SetupError where neither the node image nor the project's images could run."""
    if system != "Linux" or machine not in {"x86_64", "AMD64"}:
        raise SetupError(
            f"This machine is {system} on {machine}; the images and the cluster need Linux on x86-64."
            " Use such a machine or a virtual one."
        )


def ensure(cache: Cache, console: Console) -> None:
    """Makes sure that a Docker engine answers. Raises SetupError where none does and none can be started."""
    require_platform(platform.system(), platform.machine())
    with console.step("Docker engine") as step:
        answer = ask()
        if answer.ok:
            step.result = f"{answer.stdout.strip()} answers"
            return
        refuse(answer, os.environ, root=os.geteuid() == 0)
        install_and_start(cache, step)


def ask() -> Result:
    """The engine's version on standard output, or how it did not answer."""
    done = capture(["docker", "version", "--format", "{{.Server.Version}}"], timeout=INFO_TIMEOUT)
    return done if done.ok and done.stdout.strip() else Result(done.status or 1, "", done.stderr)


def refuse(answer: Result, env: Mapping[str, str], *, root: bool) -> None:
    """Raises SetupError where starting an engine is not ours to do: somebody else's, or no right to."""
    reason = answer.stderr.strip().splitlines()[-1] if answer.stderr.strip() else "no reason given"
    if "permission denied" in answer.stderr.lower():
        raise SetupError(
            f"The Docker engine refuses this user ({reason})."
            " Add yourself to the group `docker` and log in again, or run the command with sudo."
        )
    if host := env.get("DOCKER_HOST"):
        raise SetupError(
            f"DOCKER_HOST is {host}, and no Docker engine answers there ({reason})."
            " Start that engine, or unset DOCKER_HOST to use the local one."
        )
    if not root:
        raise SetupError(
            f"No Docker engine answers ({reason}), and starting one needs root."
            " Start yours (systemctl start docker, or Docker Desktop), or run the command as root."
        )
    if not shutil.which("dockerd") and not shutil.which("apt-get"):
        raise SetupError(
            f"No Docker engine answers ({reason}), and there is neither dockerd nor apt-get to install one with."
            " Install a Docker engine and start it."
        )


def install_and_start(cache: Cache, step: Step) -> None:
    """Installs Debian's engine where there is none and starts it. Raises CommandError with what the engine said."""
    if not shutil.which("dockerd"):
        step.doing = "installing Docker from Debian's packages"
        apt_install(["docker.io"], cache.log("docker-install"))
    step.doing = "starting the Docker engine"
    log = cache.log("dockerd")
    if SYSTEMD.is_dir():
        logged(["systemctl", "start", "docker"], log)
        await_answer(None, log)
        how = "by systemd"
    elif wait_for_a_starting_one():
        how = "by somebody else just now"
    else:
        daemon = start(cache, log)
        await_answer(daemon, log)
        how = f"pid {daemon.pid}, log {log}"
    step.result = f"{ask().stdout.strip()} started, {how}"


def await_answer(daemon: Daemon | None, log: Path) -> None:
    """Waits for the engine to answer, no longer than its process lives. Raises CommandError with the end of its log."""

    def answered_or_died() -> bool:
        return ask().ok or (daemon is not None and started_at(daemon.pid) != daemon.started)

    if not (wait_until(answered_or_died, STARTS_WITHIN) and ask().ok):
        raise CommandError("dockerd", 1, log)


def apt_install(packages: list[str], log: Path) -> None:
    """Installs Debian packages, asking nothing. Raises CommandError."""
    env = {"DEBIAN_FRONTEND": "noninteractive"}
    logged(["apt-get", "update"], log, env=env)
    logged(["apt-get", "install", "--yes", "--no-install-recommends", *packages], log, env=env)


def wait_for_a_starting_one() -> bool:
    """Whether a dockerd that runs already came to answer. Removes process id files of daemons that are dead.

    dockerd and its containerd believe such a file when any process has that number, and then refuse to start.
    Raises SetupError when a dockerd runs and keeps silent: a second one would damage its data.
    """
    for path, program in PID_FILES.items():
        if not path.is_file():
            continue
        pid = path.read_text().strip()
        if not runs(pid, program):
            path.unlink()
        elif program == "dockerd":
            if wait_until(lambda: ask().ok, STARTS_WITHIN):
                return True
            raise SetupError(
                f"A Docker engine runs (pid {pid}, {path}), but has not answered for {STARTS_WITHIN:g} s."
                f" Look at its log, end it (kill {pid}) and run this again."
            )
    return False


def runs(pid: str, program: str) -> bool:
    """Whether process `pid` exists and is `program`."""
    name = Path(f"/proc/{pid}/comm")
    return pid.isdigit() and name.is_file() and name.read_text().strip() == program


def start(cache: Cache, log: Path) -> Daemon:
    """Starts dockerd in a session of its own, with its output in `log`, and records which process that is."""
    with log.open("a") as file:
        process = subprocess.Popen(
            ["dockerd", *runtime_options(cache)],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
    daemon = Daemon(process.pid, started_at(process.pid) or "", boot_id())
    write_atomically(cache.engine / "dockerd.json", json.dumps(asdict(daemon)))
    return daemon


def lacks_capabilities() -> bool:
    """Whether this process' bounding set lacks a capability that the kernel knows."""
    bounding = next(
        line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("CapBnd:")
    )
    every = (1 << int(Path("/proc/sys/kernel/cap_last_cap").read_text()) + 1) - 1
    return int(bounding, 16) & every != every


def runtime_options(cache: Cache) -> list[str]:
    """Options for dockerd: an OCI runtime of our own where this host cannot grant every capability."""
    if not lacks_capabilities():
        return []
    runtime = cache.engine / "runc-without-missing-caps"
    first, _, rest = RUNTIME.read_text().partition("\n")
    # Not a virtual environment's link: the engine outlives the checkout that it was started from.
    python = str(Path(sys.executable).resolve())
    write_atomically(runtime, first.replace("/usr/bin/python3", python) + "\n" + rest, mode=0o755)
    return ["--add-runtime", f"trimmed={runtime}", "--default-runtime", "trimmed"]


def started_at(pid: int) -> str | None:
    """When a process began, in clock ticks after boot; None where there is no such process or it is a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else fields[19]


def boot_id() -> str:
    """Changes with every boot, so that a process number of an earlier one is not believed."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def our_daemon(cache: Cache) -> Daemon | None:
    """The dockerd that an earlier run started and that still runs, or None."""
    try:
        daemon = Daemon(**json.loads((cache.engine / "dockerd.json").read_text()))
    except (OSError, ValueError, TypeError):
        return None
    return daemon if daemon.boot == boot_id() and started_at(daemon.pid) == daemon.started else None


def stop(cache: Cache, console: Console) -> None:
    """Stops the dockerd that we started; any other engine is left alone. Raises SetupError when it does not end."""
    daemon = our_daemon(cache)
    if daemon is None:
        console.say("Docker engine: not started by e2e/kind, left as it is")
        return
    with console.step(f"stopping the Docker engine (pid {daemon.pid})") as step:
        os.kill(daemon.pid, signal.SIGTERM)
        if not wait_until(lambda: started_at(daemon.pid) != daemon.started, STOPS_WITHIN):
            raise SetupError(
                f"dockerd (pid {daemon.pid}) has not ended within {STOPS_WITHIN:g} s of SIGTERM."
                f" Its log is {cache.logs / 'dockerd.log'}."
            )
        step.result = "stopped; Debian's docker.io package and /var/lib/docker stay"
