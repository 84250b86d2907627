"""How long the models computed for a request, and for how many at once: carried beside its data from Op to Op."""
# ruff: noqa: SLF001 - the stock classes have no public way to what they do

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

_COSTS = "_runtime_costs"
_COST = "runtime_cost"

Method = Callable[..., Any]


class Cost(NamedTuple):
    """Seconds in the Ops' process(), and the most requests that shared a run of one."""

    seconds: float = 0.0
    batch: int = 1


def add_cost(op: Any, data_ids: Iterable[int], seconds: float, batch: int) -> None:  # noqa: ANN401 - a stock Op
    """Counts a run for these requests of the Op."""
    costs: dict[int, Cost] = op.__dict__.setdefault(_COSTS, {})
    for data_id in data_ids:
        cost = costs.get(data_id, Cost())
        costs[data_id] = Cost(cost.seconds + seconds, max(cost.batch, batch))


def cost_of(data: Any) -> Cost:  # noqa: ANN401 - ChannelData
    """What the data has cost on its way."""
    return getattr(data, _COST, Cost())


def carry_costs(op_class: Any) -> None:  # noqa: ANN401 - the stock Op
    """Makes Ops take over the cost of what they are given, and write it on what they give."""
    op_class._parse_channeldata = _taking_over(op_class._parse_channeldata)
    op_class._push_to_output_channels = _writing(op_class._push_to_output_channels)


def _taking_over(parse: Method) -> Method:
    @functools.wraps(parse)
    def parse_channeldata(op: Any, given: Mapping[str, Any]) -> Any:  # noqa: ANN401 - stock
        for data in given.values():
            if (cost := cost_of(data)).seconds:
                add_cost(op, (data.id,), *cost)
        return parse(op, given)

    return parse_channeldata


def _writing(push: Method) -> Method:
    @functools.wraps(push)
    def push_to_output_channels(op: Any, data: Any, *arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - stock
        cost = op.__dict__.get(_COSTS, {}).pop(data.id, None)
        if cost is not None:
            setattr(data, _COST, cost)
        return push(op, data, *arguments, **named)

    return push_to_output_channels
