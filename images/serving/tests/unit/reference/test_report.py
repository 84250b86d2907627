from pathlib import Path

import numpy as np
import pytest

from paddle_serving_runtime.errors import ModelInvalid
from paddle_serving_runtime.reference import Reference, read, write


def test_every_kind_of_tensor_survives_the_file(tmp_path: Path) -> None:
    answer: dict[str, np.ndarray] = {
        "f": np.array([[np.nan, -0.0, 1e-45]], np.float32),
        "h": np.array([1.5], np.float16),
        "i": np.array(2**63 - 1),
        "b": np.array([True, False]),
        "t": np.array([["ä", "bc"], ["", "d"]]),
        "s": np.array("text"),
        "e": np.zeros((0, 3), np.int8),
        "c": np.array([1 + 2j], np.complex64),
        "r": np.arange(6, dtype=np.int32).reshape(2, 3).T,
        "big": np.array([1, 2**30], ">i4"),
    }
    path = tmp_path / "r.json"
    write(path, Reference("3.3.1", "cpu", {"m": {"threads": 1}}, {"a.json": answer}))
    found = read(path)
    assert (found.paddle_version, found.device, found.switches) == ("3.3.1", "cpu", {"m": {"threads": 1}})
    assert found.answers["a.json"].keys() == answer.keys()
    for name, array in found.answers["a.json"].items():
        assert (array.dtype.name, array.shape) == (answer[name].dtype.name, answer[name].shape)
        assert array.tobytes() == answer[name].astype(array.dtype).tobytes()


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"answers": {"a": {"x": {}}}}'])
def test_what_is_no_reference_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "r.json").write_text(content)
    with pytest.raises(ModelInvalid, match="is not a reference"):
        read(tmp_path / "r.json")
