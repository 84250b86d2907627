"""What the guided tours of the Makefile share: commands that the reader sees, and errors that are one sentence."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


class StepError(Exception):
    """A step could not be done; the message says what and what to do."""


LOOPBACK = ("127.0.0.1", "localhost")


def leave_out_proxies() -> None:
    """Has this process and those that it starts ask this machine directly, where others are asked through a proxy."""
    names = ("no_proxy", "NO_PROXY")
    named = [host.strip() for name in names for host in os.environ.get(name, "").split(",") if host.strip()]
    # in both: Python's libraries look at the first one, Go's at the second
    os.environ.update(dict.fromkeys(names, ",".join(dict.fromkeys([*named, *LOOPBACK]))))


def run(*command: str, environment: dict[str, str] | None = None) -> None:
    """Runs a command with its output on the terminal. Raises StepError where it fails."""
    print(f"      $ {' '.join(command)}", flush=True)
    if subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode != 0:
        raise StepError(f"`{' '.join(command)}` failed; its output is above.")


def output(*command: str, environment: dict[str, str] | None = None) -> str:
    """Standard output of a command. Raises StepError with its standard error where it fails."""
    done = subprocess.run(command, cwd=ROOT, env=environment, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise StepError(f"`{' '.join(command)}` failed: {done.stderr.strip()}")
    return done.stdout.strip()


def require_free_port(port: int) -> None:
    """Raises StepError where something listens on 127.0.0.1:port: better now than after the builds."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise StepError(
                f"127.0.0.1:{port} cannot be used for the port-forward ({error.strerror}). "
                f"Stop what listens there, or choose another one: make quickstart PORT={port + 1}"
            ) from error
