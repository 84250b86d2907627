"""A real S3 server for tests: Versity's gateway on a folder, built once from its Go module into e2e/kind's cache.

`python -m e2e.s3_server` builds it ahead and prints where it is; a minute and a half of two cores, 45 MB stay.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from e2e.kind.builder import Builder, Module
from e2e.kind.cache import Cache, cache_folder, discard
from e2e.kind.console import Console
from e2e.kind.errors import SetupError

if TYPE_CHECKING:
    from pathlib import Path

GATEWAY = Module("versitygw", "v1.8.0", "github.com/versity/versitygw", "github.com/versity/versitygw/cmd/versitygw")


def program() -> Path:
    """The server's program; it is static. Raises SetupError where it cannot be built."""
    cache, console = Cache(cache_folder(os.environ)), Console()
    made = cache.built / f"{GATEWAY.name}-{GATEWAY.version}"
    if made.exists():
        return made
    cache.prepare()
    with cache.lock(console), console.step(f"{GATEWAY.name}, an S3 server for tests") as step:
        builder = Builder(cache)
        path = builder.module(GATEWAY, step)
        for folder in builder.leftovers():
            discard(folder)
        step.result = f"{path.name} built"
    return path


def command(program: Path | str, address: str, folder: Path | str, *more: str) -> list[str]:
    """The server's command line. Folders of `folder`/buckets are its buckets; `folder`/metadata has to be there too.

    The keys of the one user come from ROOT_ACCESS_KEY and ROOT_SECRET_KEY; /health answers when it is ready.
    """
    options = ("--port", address, "--health", "/health", "--quiet", *more)
    return [str(program), *options, "posix", "--sidecar", f"{folder}/metadata", f"{folder}/buckets"]


if __name__ == "__main__":
    try:
        print(program())
    except SetupError as error:
        sys.exit(f"error: {error}")
