"""Lets `python3 web_service.py ...` run under the supervised runtime, and clients import Paddle Serving's packages.

The test harness puts this folder on PYTHONPATH; Python imports a module of this name at start. Where the runtime is not
installed it does nothing, so that a stock Paddle Serving runs as it is.
"""

import importlib.util
import os

if importlib.util.find_spec("paddle_serving_runtime") is not None:
    from tipc import plain_service

    if plain_service.ADMIN_PORT in os.environ:
        plain_service.install()
    else:
        from paddle_serving_runtime import serving_packages

        serving_packages.install()
