"""For tests of what refuses tensors of objects: content that is no object, and a record of whatever would read one."""

import io
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

OPAQUE = b"no object, only bytes"

LOAD = "load a plain array"
"""A request for which an Op that is watched calls numpy.load, to show that the record is kept."""

_WATCH = """
import pickle as _pickle
import numpy as _numpy


def _recorded(name, load):
    def call(*arguments, **options):
        with open({record!r}, "a") as record:
            record.write(name + "\\n")
        return load(*arguments, **options)

    return call


_numpy.load = _recorded("numpy.load", _numpy.load)
_pickle.load = _recorded("pickle.load", _pickle.load)
_pickle.loads = _recorded("pickle.loads", _pickle.loads)
"""


def npy_of_objects() -> bytes:
    """An .npy file whose header announces one Python object, and whose content is none."""
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": "|O", "fortran_order": False, "shape": (1,)})  # type: ignore[no-untyped-call]
    return buffer.getvalue() + OPAQUE


def npz_of_objects() -> bytes:
    """The same as the array x of an .npz file."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("x.npy", npy_of_objects())
    return buffer.getvalue()


CONTENTS = (OPAQUE, npy_of_objects(), npz_of_objects())


def watch(record: Path) -> str:
    """What begins a web_service.py whose calls of object loaders are to be lines of `record`."""
    return _WATCH.format(record=str(record))


def record_calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the object loaders that this process calls from now on."""
    calls: list[str] = []

    def recorded(name: str, load: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: object, **options: object) -> object:
            calls.append(name)
            return load(*arguments, **options)

        return call

    monkeypatch.setattr(np, "load", recorded("numpy.load", np.load))
    for name in ("load", "loads"):
        monkeypatch.setattr(pickle, name, recorded(f"pickle.{name}", getattr(pickle, name)))
    return calls
