"""The name that the GPU edition of paddle_serving_server had before 0.7.0, which published services and clients try.

It is the same module under a second name, where no package of that name is installed.
"""

from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec
from types import ModuleType

from typing_extensions import override

NAME, OWN = "paddle_serving_server_gpu", "paddle_serving_server"


class SecondNameFinder(MetaPathFinder):
    """Finds `paddle_serving_server_gpu` and its modules as those of paddle_serving_server."""

    @override
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname.partition(".")[0] != NAME or (path is None and PathFinder.find_spec(fullname, path, target)):
            return None
        own = OWN + fullname.removeprefix(NAME)
        found = find_spec(own)
        if found is None:
            return None
        package = found.submodule_search_locations is not None
        return ModuleSpec(fullname, _SameModule(own), origin=found.origin, is_package=package)


class _SameModule(Loader):
    def __init__(self, own: str) -> None:
        self._own = own
        self._spec: ModuleSpec | None = None

    @override
    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = import_module(self._own)
        self._spec = module.__spec__
        return module

    @override
    def exec_module(self, module: ModuleType) -> None:
        """The module has been executed by its own name; importlib has replaced its spec, which it gets back."""
        module.__spec__ = self._spec
