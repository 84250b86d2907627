"""Imports every public module of Paddle and prints what failed: one JSON object, the error by the module's name.

It works in an empty folder: paddle.distributed.fleet.utils.http_server (3.3.1) opens ./http.log when it is imported.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import re
import sys
import tempfile
import warnings

PATH = re.compile(r" \(/[^)]*\)$")
"""Where the module lies, at the end of an ImportError: differs between installations."""


def outcome(name: str) -> str:
    """Empty, or why the module cannot be imported."""
    try:
        importlib.import_module(name)
    except BaseException as error:  # noqa: BLE001 - a script of Paddle may end the process
        return f"{type(error).__name__}: {PATH.sub('', str(error))}"
    return ""


def main() -> None:
    """Prints the object as the last line."""
    warnings.simplefilter("ignore")
    import paddle  # noqa: PLC0415 - it warns while it is imported

    names = [module.name for module in pkgutil.walk_packages(paddle.__path__, "paddle.", onerror=lambda _name: None)]
    public = [name for name in names if not any(part.startswith("_") for part in name.split("."))]
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        outcomes = {name: outcome(name) for name in public}
        os.chdir("/")
    sys.stdout.write("\n" + json.dumps(outcomes) + "\n")


if __name__ == "__main__":
    main()
