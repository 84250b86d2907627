import numpy as np
import pytest

from paddle_serving_runtime.engine.packing import texts
from paddle_serving_runtime.protocol import UnpackableValue


def test_arrays_are_sent_as_their_repr_with_every_element() -> None:
    packed = texts({"y": np.array([[18.9]], np.float32), "z": np.arange(2000, dtype=np.float32)})
    assert packed["y"] == "array([[18.9]], dtype=float32)"
    assert "..." not in packed["z"]


def test_a_list_of_text_beside_arrays_is_sent_as_paddle_serving_does() -> None:
    assert texts({"a": np.array([1]), "b": ["x"]}) == {"a": "array([1])", "b": "['x']"}


@pytest.mark.parametrize("value", [1.5, None, [], {}, [np.zeros(1)], "\ud800"])
def test_other_values_cannot_be_packed(value: object) -> None:
    with pytest.raises(UnpackableValue):
        texts({"text": "a", "score": value})
