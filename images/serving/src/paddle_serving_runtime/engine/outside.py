"""What the code of a service keeps outside of its Ops, which all requests share: globals, attributes of classes."""

import ast
import contextlib
import hashlib
import pickle
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

from typing_extensions import override

from paddle_serving_runtime.graph import Graph

_CODE = (type, ModuleType, FunctionType, BuiltinFunctionType)


def state(graph: Graph) -> dict[str, str]:
    """A digest of every global and class attribute of the package's own modules, by where it is.

    What cannot be read through is told by its identity alone. Ops are not looked into.
    """
    from paddle_serving_server.web_service import Op, WebService  # noqa: PLC0415 - importable after install() only

    found = {}
    for file, names in _namespaces(graph).items():
        for name, value in _values(file, names):
            found[name] = _digest(value, (Op, WebService))
    return found


def rebound(graph: Graph) -> str:
    """The first `global` statement of the package's own modules, as `file:line`; empty where there is none.

    Golden samples need not reach it.
    """
    for file in _namespaces(graph):
        with contextlib.suppress(OSError, ValueError, SyntaxError):
            for node in ast.walk(ast.parse(Path(file).read_bytes())):
                if isinstance(node, ast.Global):
                    return f"{file}:{node.lineno}"
    return ""


def changed(before: Mapping[str, str], after: Mapping[str, str]) -> str:
    """The first place that is not as before; empty where all are."""
    names = sorted(before.keys() | after.keys())
    return next((name for name in names if before.get(name) != after.get(name)), "")


def _namespaces(graph: Graph) -> dict[str, Mapping[str, Any]]:
    """The globals of the modules in the package's folder, which is the working directory, by file.

    The script itself has been run as a program, and is no module any more.
    """
    methods = (getattr(type(node.op), name) for node in graph.nodes for name in ("preprocess", "postprocess"))
    found = {}
    # a name that must not be imported is None there
    modules = (getattr(module, "__dict__", {}) for module in tuple(sys.modules.values()))
    for names in (*(method.__globals__ for method in methods), *modules):
        file = names.get("__file__")
        if isinstance(file, str) and Path(file).is_relative_to(Path.cwd()):
            found[str(Path(file).relative_to(Path.cwd()))] = names
    return found


def _values(file: str, names: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    for name, value in tuple(names.items()):
        if name.startswith("__"):
            continue
        if isinstance(value, type) and value.__module__ == names["__name__"]:
            attributes = tuple(vars(value).items())
            yield from ((f"{file}: {name}.{each}", held) for each, held in attributes if not each.startswith("__"))
        yield f"{file}: {name}", value


def _digest(value: object, opaque: tuple[type, ...]) -> str:
    digest = hashlib.sha256()

    class Reader(pickle.Pickler):
        """Code and Ops are told by what they are, not by what is in them."""

        @override
        def persistent_id(self, obj: object) -> str | None:
            return str(id(obj)) if isinstance(obj, (*_CODE, *opaque)) else None

    class Sink:
        """As a file."""

        write = digest.update

    try:
        Reader(Sink(), protocol=5).dump(value)
    except Exception:  # noqa: BLE001 - what others have written refuses this in any way
        return str(id(value))
    return digest.hexdigest()
