"""Starts Paddle Serving's own pipeline server for a package, fast: an interpreter that has imported paddle, and forks.

Reads lines of JSON, [package, log file], and writes for each the pid of the server that it has started, which leads a
process group of its own. Of the runtime it uses the repairs without which the packages cannot be imported, the one
that keeps it from killing its own process group, and the refusal of tensors of opaque bytes.
"""

import json
import os
import runpy
import signal
import sys
import warnings

from paddle_serving_runtime import serving_packages


def import_packages() -> None:
    serving_packages.install()
    warnings.simplefilter("ignore")
    import paddle.inference  # noqa: F401, PLC0415 - takes seconds, once for all servers
    import paddle_serving_server.web_service  # noqa: F401, PLC0415 - the same


def serve(package: str, log: str) -> None:
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.chdir(package)
    # its list of running servers, which it writes without a lock
    sys.modules["paddle_serving_server.util"].CONF_HOME = package  # type: ignore[attr-defined]
    sys.path.insert(0, package)
    sys.argv = ["web_service.py"]
    runpy.run_path("web_service.py", run_name="__main__")


if __name__ == "__main__":
    import_packages()
    # a server that ends is reaped by the kernel
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        package, log = json.loads(line)
        if (child := os.fork()) == 0:
            serve(package, log)
            os._exit(0)
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()
