from types import SimpleNamespace

import numpy as np

from tipc.export_alexnet import fan_in, fixed_weights


def network(**shapes: list[int]) -> SimpleNamespace:
    return SimpleNamespace(state_dict=lambda: {name: SimpleNamespace(shape=shape) for name, shape in shapes.items()})


def test_the_weights_are_the_same_bits_on_every_machine() -> None:
    weights = fixed_weights(network(conv=[2, 3, 1, 1], bias=[2]))
    assert weights["conv"].dtype == np.float32
    assert weights["conv"].reshape(-1)[:2].tobytes().hex() == "700c313eb827ac3f"
    assert weights["bias"].tobytes().hex() == "094c233d82820b3d"


def test_the_width_follows_the_inputs_of_one_unit() -> None:
    assert fan_in([64, 3, 11, 11]) == 363
    assert fan_in([4096, 1000]) == 4096
    weights = fixed_weights(network(linear=[600, 50]))["linear"]
    assert 0.0995 < np.abs(weights).max() <= 0.1
