"""What a program looks up in tables."""

import pytest

from paddle_serving_runtime.paddle_model.lookups import EMBEDDING, LOOKING_UP, places
from paddle_serving_runtime.paddle_model.program import Operation, Parameter, Port, Program

IDS, KINDS = Port("ids", "int64", (-1, 4), 0), Port("kinds", "int32", (-1, 4), 0)
SMALL, LARGE = Parameter("small", "float32", (3, 8)), Parameter("large", "float32", (100, 8))
FREE = Parameter("free", "float32", (-1, 8))
WHOLE = dict.fromkeys(("ids", "kinds", "moved", "again", "sum"), "int64")
Y = Port("y", "float32", (-1, 8), 0)


def program(*operations: Operation) -> Program:
    return Program((IDS, KINDS), (Y,), (SMALL, LARGE, FREE), operations, dtypes=WHOLE)


def looked_up(ids: str, table: str, kind: str = "lookup_table_v2", **attributes: float) -> Operation:
    return Operation(kind, (ids, table), ("y",), attributes)


MOVED = Operation("reshape2", ("ids",), ("moved",))
AGAIN = Operation("cast", ("moved",), ("again",))
SUM = Operation("elementwise_add", ("ids", "kinds"), ("sum",))


@pytest.mark.parametrize(
    ("operations", "found"),
    [
        ([looked_up("ids", "large"), looked_up("kinds", "small")], {"ids": 100, "kinds": 3}),
        ([looked_up("ids", "large"), looked_up("ids", "small")], {"ids": 3}),
        ([looked_up("again", "large"), AGAIN, MOVED], {"ids": 100}),
        ([looked_up("ids", "small", "gather", axis=0)], {"ids": 3}),
        ([looked_up("ids", "small", "gather", axis=1)], {"ids": 8}),
        ([looked_up("ids", "small", "index_select", dim=1)], {"ids": 8}),
        ([Operation("one_hot_v2", ("ids",), ("y",), {"depth": 5})], {"ids": 5}),
        ([SUM, Operation("relu", ("x",), ("y",))], {}),
    ],
)
def test_the_smallest_table_of_each_input_wherever_its_numbers_are_moved(
    operations: list[Operation], found: dict[str, int]
) -> None:
    assert places(program(*operations), LOOKING_UP) == (found, "")


@pytest.mark.parametrize(
    "operation",
    [
        looked_up("sum", "large"),
        looked_up("ids", "hidden", "gather"),
        looked_up("ids", "large", "gather_nd"),
        looked_up("ids", "free"),
        looked_up("ids", "small", "gather", axis=2),
        Operation("gather", ("ids", "small", "axis"), ("y",)),
        Operation("one_hot_v2", ("ids", "depth"), ("y",), {"depth": 5}),
    ],
)
def test_places_that_are_computed_and_tables_of_no_known_length_are_named(operation: Operation) -> None:
    assert places(program(SUM, looked_up("kinds", "small"), operation), LOOKING_UP) == ({"kinds": 3}, operation.kind)


def test_only_operations_of_the_named_kinds_count() -> None:
    operations = looked_up("ids", "large"), looked_up("kinds", "small", "gather"), looked_up("ids", "hidden", "gather")
    assert places(program(*operations), EMBEDDING) == ({"ids": 100}, "")
