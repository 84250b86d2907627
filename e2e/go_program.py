"""Programs that only tests need, built once from their Go modules into e2e/kind's cache.

`python -m e2e.go_program grpcurl` builds one ahead and prints where it is.
"""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING

from e2e.kind.builder import Builder, Module
from e2e.kind.cache import Cache, cache_folder, discard
from e2e.kind.console import Console
from e2e.kind.errors import SetupError

if TYPE_CHECKING:
    from pathlib import Path

GATEWAY = Module("versitygw", "v1.8.0", "github.com/versity/versitygw", "github.com/versity/versitygw/cmd/versitygw")
GRPCURL = Module("grpcurl", "v1.9.3", "github.com/fullstorydev/grpcurl", "github.com/fullstorydev/grpcurl/cmd/grpcurl")
PURPOSES = {GATEWAY: "an S3 server for tests", GRPCURL: "a gRPC client for tests of the documents"}


def built(module: Module) -> Path:
    """The program; it is static. Raises SetupError where it cannot be built."""
    cache, console = Cache(cache_folder(os.environ)), Console()
    made = _place(cache, module)
    if made.exists():
        return made
    cache.prepare()
    with cache.lock(console), console.step(f"{module.name}, {PURPOSES[module]}") as step:
        builder = Builder(cache)
        path = builder.module(module, step)
        for folder in builder.leftovers():
            discard(folder)
        step.result = f"{path.name} built"
    return path


def found(module: Module) -> str | None:
    """PATH's program, else the one that was built before; None where there is neither."""
    made = _place(Cache(cache_folder(os.environ)), module)
    return shutil.which(module.name) or (str(made) if made.exists() else None)


def _place(cache: Cache, module: Module) -> Path:
    return cache.built / f"{module.name}-{module.version}"


def main(name: str) -> str:
    """Where the program of that name is; grpcurl is built only where PATH has none. Raises SetupError."""
    module = {module.name: module for module in PURPOSES}[name]
    # any grpcurl prints the same; the S3 server is the one version that the tests know
    return (found(module) if module == GRPCURL else None) or str(built(module))


if __name__ == "__main__":
    try:
        print(main(*sys.argv[1:]))
    except SetupError as error:
        sys.exit(f"error: {error}")
