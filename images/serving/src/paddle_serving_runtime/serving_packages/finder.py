"""The import hook: which modules of Paddle Serving are repaired, and how they are loaded."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

from typing_extensions import override

from paddle_serving_runtime.serving_packages import repairs
from paddle_serving_runtime.serving_packages.generated import define_messages
from paddle_serving_runtime.serving_packages.old_names import RESTORED

PACKAGES = ("paddle_serving_server", "paddle_serving_app")

REPAIRS: dict[str, Callable[[ModuleType], None]] = {
    "paddle_serving_server.util": repairs.keep_process_group_alive,
    "paddle_serving_server.pipeline.operator": repairs.restore_operator_module,
}
REPLACEMENTS: dict[str, Callable[[ModuleType], None]] = {
    "paddle_serving_server.env_check.run": repairs.define_env_check,
    "paddle_serving_server.pipeline.logger": repairs.define_logger,
}
CIRCUMSTANCES: dict[str, Callable[[], AbstractContextManager[None]]] = {
    "paddle_serving_server.serve": repairs.no_signal_handlers,
    "paddle_serving_server.pipeline.operator": repairs.loaded_numpy_alone,
    "paddle_serving_server.pipeline.pipeline_client": repairs.loaded_numpy_alone,
}


class RepairingFinder(MetaPathFinder):
    """Finds the modules that do not work as they are, and nothing else: of Paddle Serving 0.9.0, and RESTORED."""

    @override
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname.partition(".")[0] not in PACKAGES and fullname not in RESTORED:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is None or spec.loader is None or spec.origin is None:
            return spec
        if fullname in CIRCUMSTANCES:
            spec.loader = _Within(spec.loader, CIRCUMSTANCES[fullname])
        if fullname.endswith("_pb2"):
            spec.loader = _Defining(lambda module: define_messages(module, Path(str(module.__file__))))
        elif fullname in REPLACEMENTS:
            spec.loader = _Defining(REPLACEMENTS[fullname])
        elif fullname in REPAIRS:
            spec.loader = _Repairing(spec.loader, REPAIRS[fullname])
        elif fullname in RESTORED:
            spec.loader = _Repairing(spec.loader, RESTORED[fullname])
        return spec


class _Defining(Loader):
    """Fills a module in place of its own source, so that it is no program for `python -m`."""

    def __init__(self, define: Callable[[ModuleType], None]) -> None:
        self._define = define

    def get_code(self, _fullname: str) -> None:
        """None, which `python -m` says in a sentence."""

    @override
    def exec_module(self, module: ModuleType) -> None:
        self._define(module)


class _Wrapping(Loader):
    """Executes the module's own source; whatever else a loader is asked for, as by `python -m`, its own loader says."""

    def __init__(self, inner: Loader) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)


class _Repairing(_Wrapping):
    """Executes the module's own source, then repairs it."""

    def __init__(self, inner: Loader, repair: Callable[[ModuleType], None]) -> None:
        super().__init__(inner)
        self._repair = repair

    @override
    def exec_module(self, module: ModuleType) -> None:
        self._inner.exec_module(module)
        self._repair(module)


class _Within(_Wrapping):
    """Executes a module's own source while something else is other than usual."""

    def __init__(self, inner: Loader, circumstance: Callable[[], AbstractContextManager[None]]) -> None:
        super().__init__(inner)
        self._circumstance = circumstance

    @override
    def exec_module(self, module: ModuleType) -> None:
        with self._circumstance():
            self._inner.exec_module(module)
