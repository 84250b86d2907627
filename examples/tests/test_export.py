"""Networks with fixed random weights."""

import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from examples.tests.test_packages import EXAMPLES, build, load

export = load(EXAMPLES / "export.py")
SMALL = 'import paddle\nINPUTS = {"x": ([None, 4], "float32")}\ndef network():\n    return paddle.nn.Linear(4, 3)\n'


def network(**shapes: list[int]) -> SimpleNamespace:
    return SimpleNamespace(state_dict=lambda: {name: SimpleNamespace(shape=shape) for name, shape in shapes.items()})


def test_the_weights_are_the_same_bits_on_every_machine() -> None:
    weights = export.fixed_weights(network(conv=[2, 3, 1, 1], bias=[2]), {})
    assert weights["conv"].dtype == np.float32
    assert weights["conv"].reshape(-1)[:2].tobytes().hex() == "700c313eb827ac3f"
    assert weights["bias"].tobytes().hex() == "094c233d82820b3d"


def test_the_width_follows_the_inputs_of_one_unit_and_its_scale() -> None:
    assert export.fan_in([64, 3, 11, 11]) == 363
    assert export.fan_in([4096, 1000]) == 4096
    weights = export.fixed_weights(network(linear=[600, 50]), {})["linear"]
    assert 0.0995 < np.abs(weights).max() <= 0.1
    np.testing.assert_allclose(export.fixed_weights(network(linear=[600, 50]), {"ear": 0.5})["linear"], weights / 2)


def test_scales_and_variances_of_a_normalization_are_near_one() -> None:
    weights = export.fixed_weights(network(weight=[8], bias=[8], _mean=[8], _variance=[8]), {})
    near = {name: float(np.round(values.mean())) for name, values in weights.items()}
    assert near == {"weight": 1, "bias": 0, "_mean": 0, "_variance": 1}


@pytest.fixture
def example(tmp_path: Path) -> Path:
    (tmp_path / "small").mkdir()
    (tmp_path / "small/network.py").write_text(SMALL)
    return tmp_path / "small"


def test_the_program_names_no_file_of_the_machine_that_exported_it(example: Path) -> None:
    digest = "71e2777ee9f7e45c20ef37c18b8f417b57da845f9613c703b0963b199d208590"
    export_of = {"network": "network.py", "folder": "small_server", "parameters": digest}
    files = dict(build.exported(example, export_of))
    assert list(files) == ["small_server/inference.pdiparams", "small_server/inference.pdmodel"]
    for name in (str(example), str(EXAMPLES), sys.prefix):
        assert name.encode() not in files["small_server/inference.pdmodel"]


def test_other_weights_than_the_recorded_ones_are_refused(example: Path) -> None:
    with pytest.raises(build.BuildError, match=r"sha256 of the exported weights is .* package.toml records 00"):
        list(build.exported(example, {"network": "network.py", "folder": "small_server", "parameters": "00"}))


def test_a_network_that_cannot_be_exported_is_told_with_its_error(example: Path) -> None:
    (example / "network.py").write_text("import no_such_library\n")
    with pytest.raises(build.BuildError, match="No module named 'no_such_library'"):
        list(build.exported(example, {"network": "network.py", "folder": "small_server", "parameters": "00"}))
