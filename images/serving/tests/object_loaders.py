"""For tests of what refuses tensors of opaque bytes: plain content, and stubs of what would read more than data."""

import io
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

TEXT = b"plain text"

LOAD = "load a plain array"
"""A request for which an Op that is watched calls numpy.load, to show that the record is kept."""

_WATCH = """
import pickle as _pickle
import numpy as _numpy


def _stub(name):
    def call(*arguments, **options):
        with open({record!r}, "a") as record:
            record.write(name + "\\n")
        return _numpy.zeros(1)

    return call


_numpy.load = _stub("numpy.load")
_pickle.load = _stub("pickle.load")
_pickle.loads = _stub("pickle.loads")
"""


def npy() -> bytes:
    """A plain array as an .npy file."""
    buffer = io.BytesIO()
    np.save(buffer, np.ones(2), allow_pickle=False)
    return buffer.getvalue()


def npz() -> bytes:
    """The same as the array x of an .npz file."""
    buffer = io.BytesIO()
    np.savez(buffer, x=np.ones(2))
    return buffer.getvalue()


CONTENTS = (TEXT, npy(), npz())
"""The guards refuse by the type that a tensor claims; what is in it would do nothing if it were read."""


def watch(record: Path) -> str:
    """What begins a web_service.py in which object loaders read nothing, and are lines of `record` when called."""
    return _WATCH.format(record=str(record))


def stub_loaders(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the object loaders that this process calls from now on; they read nothing."""
    calls: list[str] = []

    def stub(name: str) -> Callable[..., object]:
        def call(*_arguments: object, **_options: object) -> object:
            calls.append(name)
            return np.zeros(1)

        return call

    monkeypatch.setattr(np, "load", stub("numpy.load"))
    for name in ("load", "loads"):
        monkeypatch.setattr(pickle, name, stub(f"pickle.{name}"))
    return calls
