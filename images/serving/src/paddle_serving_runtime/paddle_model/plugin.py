"""Paddle's OpenVINO engine in this installation, and how processes get it: known without importing anything slow."""

import shutil
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from paddle_serving_runtime.errors import InvalidOption
from paddle_serving_runtime.paddle_model.switches import Asked

PLUGIN = "libopenvino_intel_cpu_plugin.so"
_PLUGINS = Path(__file__).with_name("plugins.xml")
_SEARCHED = "LD_LIBRARY_PATH"


def plugin_path() -> Path | None:
    """Where the installed Paddle has the engine's CPU plug-in; None where it has none. Does not import Paddle."""
    found = find_spec("paddle")
    folders = list(found.submodule_search_locations or ()) if found else []
    paths = (Path(folder) / "libs" / PLUGIN for folder in folders)
    return next((path for path in paths if path.is_file()), None)


def with_free_threads(backend: Asked, folder: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """The environment of a process whose engine leaves its threads to the kernel; `folder` is made for it once.

    Default loads no engine, and has the environment as it is.

    OpenVINO 2025.0, which Paddle 3.3.1 brings, binds the thread that computes to the first processor of the process,
    and every process counts from the same one: all workers of a node would take turns on one core. Paddle has no
    switch for it, but OpenVINO reads plugins.xml beside its own library. The container image has the file there; of
    an installation that is not ours to change the library is copied (20 MB), since OpenVINO follows links back, and
    found before the one that Paddle's libraries name.
    """
    plugin = plugin_path() if backend != "Default" else None
    if plugin is None or (plugin.parent / _PLUGINS.name).exists():
        return dict(environment)
    if not folder.exists():
        _make(folder, plugin.parent)
    return {**environment, _SEARCHED: ":".join(filter(None, (str(folder), environment.get(_SEARCHED))))}


def _make(folder: Path, libraries: Path) -> None:
    folder.mkdir()
    for library in libraries.iterdir():
        if library.name.startswith("libopenvino.so"):
            shutil.copyfile(library, folder / library.name)
        elif library.name.startswith(("libopenvino", "libtbb")):
            (folder / library.name).symlink_to(library)
    shutil.copyfile(_PLUGINS, folder / _PLUGINS.name)


def require_plugin() -> None:
    """Raises InvalidOption where this installation cannot have the engine."""
    if plugin_path() is None:
        raise InvalidOption(
            f"--backend OpenVINO (engine.backend: OpenVINO) is asked for, but this installation of Paddle has no "
            f"paddle/libs/{PLUGIN}. Use the CPU runtime image, or --backend Default."
        )
