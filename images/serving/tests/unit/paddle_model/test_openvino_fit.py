"""Which programs the OpenVINO engine is not given."""

from dataclasses import replace
from pathlib import Path

import pytest

from paddle_serving_runtime.paddle_model.adaptation import adapt
from paddle_serving_runtime.paddle_model.files import ModelFiles
from paddle_serving_runtime.paddle_model.openvino_fit import ambiguous, why_not
from paddle_serving_runtime.paddle_model.program import Operation, Parameter, Port, Program
from paddle_serving_runtime.paddle_model.switches import Switches

FILES = ModelFiles(Path("inference.pdmodel"), Path("inference.pdiparams"))
X, IDS = Port("x", "float32", (-1, 4), 0), Port("ids", "int64", (-1, 4), 0)
Y, N = Port("y", "float32", (-1, 3), 0), Port("n", "int64", (-1,), 0)
W = Parameter("w", "float32", (4, 3))
TABLE = Operation("lookup_table_v2", ("ids", "w"), ("y",))
PLACE = Operation("arg_max", ("x",), ("places",))
WIDE = dict.fromkeys(("ids", "n", "places", "moved", "double", "one"), "int64")


def program(feeds: tuple[Port, ...], fetches: tuple[Port, ...], *operations: Operation) -> Program:
    return Program(feeds, fetches, (W,), operations, dtypes=WIDE)


PLAIN = program((X,), (Y,), Operation("matmul_v2", ("x", "w"), ("y",)))


@pytest.mark.parametrize(
    "fitting",
    [
        PLAIN,
        program((IDS,), (Y,), TABLE),
        program((IDS,), (Y,), Operation("reshape2", ("ids",), ("moved",)), replace(TABLE, inputs=("moved", "w"))),
        program((X,), (N,), PLACE, Operation("scale", ("places",), ("n",), {"scale": 1.0, "bias": 0.0})),
        program((X,), (N,), Operation("fill_constant", (), ("n",), {"value": 7.0})),
    ],
)
def test_float32_and_whole_numbers_that_the_program_bounds(fitting: Program) -> None:
    assert why_not(FILES, fitting, Switches()) == ""


@pytest.mark.parametrize(
    ("unfit", "operation"),
    [
        (program((IDS,), (N,), Operation("elementwise_add", ("ids", "ids"), ("n",))), "elementwise_add"),
        (program((IDS,), (N,), Operation("reshape2", ("ids",), ("n",))), "the output n"),
        (program((IDS,), (Y,), Operation("cast", ("ids",), ("y",))), "cast"),
        (program((X,), (N,), Operation("cast", ("x",), ("n",))), "cast"),
        (program((IDS,), (N,), Operation("arg_max", ("ids",), ("n",))), "arg_max"),
        (program((X,), (N,), PLACE, Operation("scale", ("places",), ("n",), {"scale": 2.0, "bias": 0.0})), "scale"),
        (program((X,), (N,), Operation("fill_constant", (), ("n",), {"value": 2.0**40})), "fill_constant"),
    ],
)
def test_whole_numbers_that_may_need_more_than_32_bits_are_refused(unfit: Program, operation: str) -> None:
    reason = why_not(FILES, unfit, Switches())
    assert reason.startswith("it computes int64 in 32 bits")
    assert operation in reason


@pytest.mark.parametrize(
    ("files", "unfit", "switches", "reason"),
    [
        (ModelFiles(Path("inference.json"), FILES.params), PLAIN, Switches(), "JSON form"),
        (ModelFiles(Path("__model__"), None), PLAIN, Switches(), "parameters that have a file each"),
        (FILES, PLAIN, Switches(device="gpu:1"), "gpu:1"),
        (FILES, PLAIN, Switches(ir_optim=False), "without ir_optim"),
        (FILES, replace(PLAIN, direct={"y": "x"}), Switches(), "is an input or a parameter itself"),
        (FILES, replace(PLAIN, feeds=(replace(X, lod_level=1),)), Switches(), "LoD"),
        (FILES, replace(PLAIN, feeds=(replace(X, shape=()),)), Switches(), "without dimensions (x)"),
        (FILES, replace(PLAIN, dtypes={"inner": "float64"}), Switches(), "float64 (inner)"),
        (FILES, replace(PLAIN, feeds=(replace(X, dtype="str"),)), Switches(), "no type str"),
    ],
)
def test_what_it_ignores_or_computes_otherwise_is_refused(
    files: ModelFiles, unfit: Program, switches: Switches, reason: str
) -> None:
    assert reason in why_not(files, unfit, switches)


def test_a_program_that_does_not_fit_runs_with_paddles_own_kernels_and_its_owner_is_told() -> None:
    asked = Switches(backend="OpenVINO")
    assert adapt(FILES, PLAIN, asked).switches.backend == "OpenVINO"
    adapted = adapt(ModelFiles(Path("inference.json"), FILES.params), PLAIN, asked)
    assert adapted.switches.backend == "Default"
    assert adapted.warnings == (
        "inference.json runs without Paddle's OpenVINO engine: Paddle ignores it for models in Paddle 3's JSON form.",
    )


def test_operations_with_two_right_answers_are_named() -> None:
    assert ambiguous(program((X,), (Y,), Operation("top_k_v2"), Operation("round"), Operation("relu"))) == (
        "round",
        "top_k_v2",
    )
    assert ambiguous(PLAIN) == ()
