"""Which programs Paddle's OpenVINO engine is not given, because it ignores them or computes something else: pure.

What was seen: paddlepaddle 3.3.1 on CPU. The engine computes whole numbers of 64 bits in 32 and float64 with the
precision of float32, both without a word, and answers for places that a table does not have (lookups.py); it ignores
programs in the JSON form; it does not load parameters that have a file each. Which operations it cannot load at all
nobody knows beforehand: the attempt tells (cli/choose.py).
"""

from collections.abc import Iterable, Iterator

from paddle_serving_runtime.paddle_model.files import ModelFiles
from paddle_serving_runtime.paddle_model.lookups import COUNTING, LOOKING_UP, MOVING, is_copy, places
from paddle_serving_runtime.paddle_model.program import Operation, Program
from paddle_serving_runtime.paddle_model.switches import Switches

_WIDE = "int64"
_LARGEST = 2.0**31

_DIFFERENT = frozenset({"top_k", "top_k_v2", "round", "nearest_interp", "nearest_interp_v2", "isnan_v2", "less_than"})
"""Operations where two answers are both right (equal values, halves, NaN, places between pixels)."""


def why_not(files: ModelFiles, program: Program, switches: Switches) -> str:
    """Why this engine must not compute the program, as the end of a sentence; empty where nothing speaks against it."""
    return next(iter([*_form(files, program, switches), *_types(program)]), "")


def ambiguous(program: Program) -> tuple[str, ...]:
    """The program's operations in which this engine and oneDNN may choose different right answers."""
    return tuple(sorted({operation.kind for operation in program.operations} & _DIFFERENT))


def _form(files: ModelFiles, program: Program, switches: Switches) -> Iterator[str]:
    if files.is_pir:
        yield "Paddle ignores it for models in Paddle 3's JSON form"
    if program.parameters and files.params is None:
        yield "it does not load parameters that have a file each"
    if switches.device != "cpu":
        yield f"it computes on CPUs, and the model runs on {switches.device}"
    if not switches.ir_optim:
        yield "Paddle ignores it without ir_optim"
    if program.direct:
        yield "an output is an input or a parameter itself"
    if any(port.lod_level for port in (*program.feeds, *program.fetches)):
        yield "it knows no LoD"
    if single := [port.name for port in program.feeds if not port.shape]:
        yield f"it takes no input without dimensions ({single[0]})"


def _types(program: Program) -> Iterator[str]:
    ports = {port.name: port.dtype for port in (*program.feeds, *program.fetches)}
    dtypes = {**program.dtypes, **ports}
    if found := [name for name, dtype in dtypes.items() if dtype == "float64"]:
        yield f"it computes float64 ({found[0]}) with the precision of float32"
    if odd := sorted({dtype for dtype in ports.values() if dtype not in ("float32", "int32", _WIDE, "bool")}):
        yield f"its inputs and outputs have no type {odd[0]}"
    wide = {name for name, dtype in dtypes.items() if dtype == _WIDE}
    if kind := next(_unbounded(program, wide), ""):
        yield f"it computes int64 in 32 bits, and nothing in the program bounds the numbers of {kind}"
    if kind := places(program, LOOKING_UP)[1]:
        yield f"it answers for places that a table does not have, and the program does not say how many {kind} has"


def _unbounded(program: Program, wide: set[str]) -> Iterator[str]:
    """Where whole numbers of 64 bits are computed or returned that may need more than 32."""
    open_ = {port.name for port in program.feeds if port.name in wide}
    open_ |= {parameter.name for parameter in program.parameters if parameter.dtype == _WIDE}
    for operation in program.operations:
        taken, given = open_.intersection(operation.inputs), wide.intersection(operation.outputs)
        if (operation.kind in COUNTING and not taken) or (operation.kind in LOOKING_UP and not given):
            continue
        if operation.kind in MOVING or is_copy(operation):
            open_ |= given if taken else set()
        elif taken or (given and not _is_small(operation) and not _only_of(operation, wide - open_)):
            yield f"the operation {operation.kind}"
    yield from (f"the output {port.name}" for port in program.fetches if port.name in open_)


def _is_small(operation: Operation) -> bool:
    """Whether it gives a number that the program itself has, of 32 bits."""
    value = operation.attributes.get("value")
    return operation.kind == "fill_constant" and isinstance(value, int | float) and abs(value) < _LARGEST


def _only_of(operation: Operation, bounded: Iterable[str]) -> bool:
    """Whether it is a change of type of numbers that are bounded."""
    return operation.kind == "cast" and set(operation.inputs) <= set(bounded)
