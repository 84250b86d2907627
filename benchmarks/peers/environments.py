"""The environments of the peers: made once by uv from pinned requirements, in the cache folder.

    python -m benchmarks.peers.environments

resolves every requirements.in into its requirements.txt anew.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ADAPTERS = Path(__file__).resolve().parent / "adapters"
_REASON = 300
_RESOLVE = (
    *("pip", "compile", "--quiet", "--no-annotate", "--python-version", "3.11", "--upgrade"),
    *(
        "--python-platform",
        "x86_64-manylinux_2_28",
        "--custom-compile-command",
        "python -m benchmarks.peers.environments",
    ),
)


class InstallError(Exception):
    """An environment that cannot be made; the sentence ends with what uv said last."""


def cache() -> Path:
    """Where the environments lie: below the cache folder of the Makefile."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("PADDLE_SERVING_CACHE") or Path(base) / "paddle-serving") / "peers"


def place(name: str, requirements: bytes) -> Path:
    """The folder of an environment; other requirements, another folder."""
    return cache() / f"{name}-{hashlib.sha256(requirements).hexdigest()[:12]}"


def make(name: str) -> Path:
    """The folder of the environment of an adapter, made where it is not there yet. Raises InstallError."""
    requirements = ADAPTERS / name / "requirements.txt"
    folder = place(name, requirements.read_bytes())
    if folder.exists():
        return folder
    if not shutil.which("uv"):
        raise InstallError("uv is not on PATH; `make bench-peers` puts it there")
    # another name until it is whole, hence relocatable
    unfinished = folder.with_name(f"{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    uv("venv", "--quiet", "--relocatable", "--python", sys.executable, str(unfinished))
    uv("pip", "install", "--quiet", "--python", str(unfinished / "bin" / "python"), "-r", str(requirements))
    unfinished.replace(folder)
    return folder


def uv(*arguments: str) -> None:
    """Runs uv, where what this checkout overrides for itself ([tool.uv] of pyproject.toml) does not count.

    Raises InstallError with its last line where it fails.
    """
    cache().mkdir(parents=True, exist_ok=True)
    done = subprocess.run(("uv", *arguments), check=False, capture_output=True, text=True, cwd=cache())
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
        raise InstallError(f"uv {arguments[0]} failed: {lines[-1].strip()[:_REASON]}")


def megabytes(folder: Path) -> int:
    """10^6 bytes of the files of an environment."""
    return round(sum(path.lstat().st_size for path in folder.rglob("*")) / 1e6)


def main() -> int:
    """Resolves all; exit status 1 where one cannot be."""
    status = 0
    for wanted in sorted(ADAPTERS.glob("*/requirements.in")):
        try:
            uv(*_RESOLVE, str(wanted), "--output-file", str(wanted.with_suffix(".txt")))
        except InstallError as error:
            sys.stderr.write(f"{wanted.parent.name}: {error}\n")
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
