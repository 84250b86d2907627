"""Runs a web_service.py under Paddle Serving's own pipeline server, with the import repairs of the runtime."""

from __future__ import annotations

import os
import runpy
import sys

from paddle_serving_runtime import serving_packages

if __name__ == "__main__":
    # its process file and logs go there, not where another stock server has its own
    os.environ |= {"SERVING_HOME": sys.argv[1], "SERVING_LOG_PATH": sys.argv[1]}
    serving_packages.install()
    os.chdir(sys.argv[1])
    sys.path.insert(0, sys.argv[1])
    sys.argv = ["web_service.py", *sys.argv[2:]]
    runpy.run_path("web_service.py", run_name="__main__")
