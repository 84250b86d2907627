"""Which whole numbers of a request a program looks up in tables, and how long these are: pure.

What was seen: paddlepaddle 3.3.1 on CPU. Paddle's OpenVINO engine computes with places that a table does not have as if
there were zeros, and Paddle's own kernels do not refuse every such place in an embedding. So the numbers are looked at
before they are computed with. A program in the JSON form does not say enough for it.
"""

from collections.abc import Collection, Mapping, Sequence

from paddle_serving_runtime.paddle_model.program import Operation, Program

COUNTING = frozenset({"arg_max", "arg_min", "top_k", "top_k_v2", "shape"})
"""Operations whose whole numbers are places or sizes of tensors, which 32 bits hold."""

LOOKING_UP = frozenset({"lookup_table", "lookup_table_v2", "gather", "gather_nd", "index_select", "one_hot_v2"})
"""Operations that take whole numbers for places in a table, which 32 bits hold."""

MOVING = frozenset(
    {
        "reshape2",
        "transpose2",
        "squeeze2",
        "unsqueeze2",
        "flatten_contiguous_range",
        "slice",
        "concat",
        "stack",
        "assign",
    }
)
"""Operations that give the numbers that they are given."""

_WHOLE = frozenset({"int32", "int64"})
EMBEDDING = frozenset({"lookup_table", "lookup_table_v2"})
"""Those for which Paddle's own kernels do not refuse every place that is none."""

_LOOPS = 3
"""How often the operations are gone through: those of a loop stand behind those that use what it gives."""

_AXES = {"gather": "axis", "index_select": "dim"}


def is_copy(operation: Operation) -> bool:
    """Whether it is what Paddle 2 puts before every output that it saves."""
    numbers = operation.attributes
    return operation.kind == "scale" and numbers.get("scale") == 1.0 and numbers.get("bias") == 0.0


def places(program: Program, kinds: Collection[str]) -> tuple[Mapping[str, int], str]:
    """By the name of an input how many places the smallest table has in which operations of these kinds look it up.

    And the first of them for which that cannot be said, since its table is computed, or the places are; else "".
    """
    moved, computed = _followed(program)
    shapes = {parameter.name: parameter.shape for parameter in program.parameters}
    found: dict[str, int] = {}
    unknown = ""
    for operation in program.operations:
        if operation.kind not in kinds:
            continue
        inputs = {name for each in operation.inputs for name in moved.get(each, ())}
        size = _size(operation, shapes)
        if computed.intersection(operation.inputs) or (inputs and size is None):
            unknown = unknown or operation.kind
        elif size is not None:
            found |= {name: min(size, found.get(name, size)) for name in inputs}
    return found, unknown


def _followed(program: Program) -> tuple[dict[str, frozenset[str]], set[str]]:
    """The whole numbers of inputs, by the values that they are moved to, and the values that are computed from them."""
    moved = {port.name: frozenset({port.name}) for port in program.feeds if port.dtype in _WHOLE}
    computed: set[str] = set()
    for _ in range(_LOOPS):
        for operation in program.operations:
            inputs = frozenset(name for each in operation.inputs for name in moved.get(each, ()))
            outputs = [name for name in operation.outputs if program.dtypes.get(name) in _WHOLE]
            is_computed = bool(computed.intersection(operation.inputs))
            if operation.kind in COUNTING or not (inputs or is_computed):
                continue
            if is_computed or not _moves(operation):
                computed.update(outputs)
            else:
                moved |= {name: moved.get(name, frozenset()) | inputs for name in outputs}
    return moved, computed


def _moves(operation: Operation) -> bool:
    return operation.kind in MOVING or operation.kind == "cast" or is_copy(operation)


def _size(operation: Operation, shapes: Mapping[str, Sequence[int]]) -> int | None:
    """The length of the table, one of the parameters of these shapes; None where the program does not say it."""
    attributes = operation.attributes
    if operation.kind == "one_hot_v2":
        depth = int(attributes.get("depth", 0))
        return depth if depth > 0 and len(operation.inputs) == 1 else None
    tables = [shapes[name] for name in operation.inputs if name in shapes]
    axis = 0 if operation.kind in EMBEDDING else int(attributes.get(_AXES.get(operation.kind, ""), 0))
    if operation.kind == "gather_nd" or len(tables) != 1 or len(operation.inputs) != 2:  # noqa: PLR2004 - table and places
        return None
    (table,) = tables
    return table[axis] if axis in range(len(table)) and table[axis] > 0 else None
