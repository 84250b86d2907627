"""What is left out for which operations, by programs that no model stands behind."""

from pathlib import Path

import pytest

from paddle_serving_runtime.paddle_model.adaptation import adapt
from paddle_serving_runtime.paddle_model.files import ModelFiles
from paddle_serving_runtime.paddle_model.program import Operation, Port, Program
from paddle_serving_runtime.paddle_model.switches import Switches

JSON, OLD = ModelFiles(Path("inference.json"), None), ModelFiles(Path("inference.pdmodel"), None)
Y = Port("y", "float32", (-1, 2), 0)
CONVOLUTION = Operation("conv2d", ("x",), ("c",))


def onednn(files: ModelFiles, *operations: Operation, ranks: dict[str, int] | None = None, device: str = "cpu") -> bool:
    program = Program((), (Y,), (), operations, {}, ranks or {})
    return adapt(files, program, Switches(device=device)).switches.onednn


@pytest.mark.parametrize("files", [JSON, OLD])
def test_padding_of_any_rank_and_tensors_of_seven_dimensions_run_without_it(files: ModelFiles) -> None:
    assert not onednn(files, Operation("pad", ("x",), ("y",)))
    assert not onednn(files, Operation("relu", ("x",), ("y",)), ranks={"y": 7})
    assert onednn(files, Operation("pad3d", ("x",), ("y",)), ranks={"y": 6})


@pytest.mark.parametrize("files", [JSON, OLD])
@pytest.mark.parametrize("layout", ["NHWC", "NDHWC"])
def test_channels_on_the_last_axis_run_without_it(files: ModelFiles, layout: str) -> None:
    assert not onednn(files, Operation("conv2d", ("x",), ("y",), {"data_format": layout}))
    assert onednn(files, Operation("conv2d", ("x",), ("y",), {"data_format": "NCHW"}))


@pytest.mark.parametrize("files", [JSON, OLD])
@pytest.mark.parametrize(
    ("said", "without"),
    [
        ({"ceil_mode": True}, True),
        ({"padding_algorithm": "SAME"}, True),
        ({"paddings": [0, 1, 1, 0]}, True),
        ({"paddings": [1, 1, 2, 2]}, False),
        ({"paddings": [1, 2]}, False),
        ({"ceil_mode": True, "exclusive": True}, False),
        ({"ceil_mode": True, "pooling_type": "max"}, False),
    ],
)
def test_averages_with_more_padding_at_the_end_run_without_it(
    files: ModelFiles, said: dict[str, object], *, without: bool
) -> None:
    attributes = {"pooling_type": "avg", "exclusive": False, "ceil_mode": False, "paddings": [0, 0], **said}
    assert onednn(files, Operation("pool2d", ("x",), ("y",), attributes)) is not without


@pytest.mark.parametrize(
    ("kind", "left_out"),
    [("leaky_relu", "conv_activation_onednn_fuse_pass"), ("concat", "conv_concat_activation_onednn_fuse_pass")],
)
def test_a_pass_that_ends_the_loading_of_convolutions_with_it_is_left_out(kind: str, left_out: str) -> None:
    def without_passes(files: ModelFiles, *operations: Operation) -> tuple[str, ...]:
        adapted = adapt(files, Program((), (Y,), (), operations), Switches())
        assert (adapted.switches.onednn, adapted.warnings) == (True, ())
        return adapted.switches.without_passes

    other = Operation(kind, ("c",), ("y",))
    assert without_passes(JSON, CONVOLUTION, other) == (left_out,)
    assert without_passes(OLD, CONVOLUTION, other) == without_passes(JSON, other) == ()


def test_a_product_of_matrices_behind_a_convolution_runs_with_it_where_it_is_one_matrix() -> None:
    product = Operation("matmul", ("c", "w"), ("y",))
    assert onednn(JSON, CONVOLUTION, product, ranks={"c": 2, "w": 2})
    assert not onednn(JSON, CONVOLUTION, product, ranks={"c": 3, "w": 2})
    assert onednn(JSON, product, ranks={"c": 4, "w": 4}), "without convolutions attention is right"


def test_one_output_keeps_every_pass_and_a_gpu_every_switch() -> None:
    one, two = Program((), (Y,), ()), Program((), (Y, Y), ())
    assert adapt(JSON, one, Switches()).switches == Switches()
    assert adapt(JSON, two, Switches()).switches.without_passes == ("common_subexpression_elimination_pass",)
    assert onednn(JSON, Operation("nearest_interp", ("x",), ("y",)), device="gpu:0")
