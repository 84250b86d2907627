"""The environment in which a Python process of the repository imports Paddle Serving's packages, repaired."""

import os
from collections.abc import Mapping
from pathlib import Path

HOOK = "TIPC_PLAIN_HOOK"
"""The folders that installed() has put onto PYTHONPATH."""

TIPC = Path(__file__).resolve().parent


def installed(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment with plain/sitecustomize.py, which Python imports at start, before all else."""
    folders = os.pathsep.join((str(TIPC / "plain"), str(TIPC.parent)))
    path = os.pathsep.join(part for part in (folders, environment.get("PYTHONPATH", "")) if part)
    return {**environment, "PYTHONPATH": path, HOOK: folders}


def removed(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment without it: the runtime reads web_service.py itself."""
    folders = environment.get(HOOK, "").split(os.pathsep)
    kept = [part for part in environment.get("PYTHONPATH", "").split(os.pathsep) if part and part not in folders]
    return {**environment, "PYTHONPATH": os.pathsep.join(kept)}
