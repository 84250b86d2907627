"""Whether this installation has Paddle's OpenVINO engine: known without importing anything slow."""

from importlib.util import find_spec
from pathlib import Path

from paddle_serving_runtime.errors import InvalidOption

PLUGIN = "libopenvino_intel_cpu_plugin.so"


def plugin_path() -> Path | None:
    """Where the installed Paddle has the engine's CPU plug-in; None where it has none. Does not import Paddle."""
    found = find_spec("paddle")
    folders = list(found.submodule_search_locations or ()) if found else []
    paths = (Path(folder) / "libs" / PLUGIN for folder in folders)
    return next((path for path in paths if path.is_file()), None)


def require_plugin() -> None:
    """Raises InvalidOption where this installation cannot have the engine."""
    if plugin_path() is None:
        raise InvalidOption(
            f"--backend OpenVINO (engine.backend: OpenVINO) is asked for, but this installation of Paddle has no "
            f"paddle/libs/{PLUGIN}. Use the CPU runtime image, or --backend Default."
        )
