"""Runs a web_service.py under Paddle Serving's own pipeline server, with the import repairs of the runtime."""

from __future__ import annotations

import os
import runpy
import sys

from paddle_serving_runtime import serving_packages

if __name__ == "__main__":
    serving_packages.install()
    os.chdir(sys.argv[1])
    sys.path.insert(0, sys.argv[1])
    sys.argv = ["web_service.py", *sys.argv[2:]]
    runpy.run_path("web_service.py", run_name="__main__")
