"""spec.engine.warmup: shapes that every worker computes before its pod is Ready."""

import re

from paddle_serving_operator.api.fields import Fields

_MOST_SHAPES = 64
_MOST_INPUTS = 16
_MOST_AXES = 8
_LARGEST = 2**26
_MODEL = r"([A-Za-z0-9_@.-]{1,253})?"
_INPUT = re.compile(r"[^=,:$\s]{1,253}")


def parse_warmup(engine: Fields, *, has_models: bool) -> tuple[str, ...]:
    """The shapes as the runtime's --warmup takes them; `has_models` is whether the engine loads models itself.

    Raises SpecError.
    """
    with engine.object("warmup") as fields:
        shapes = tuple(_shape(item) for item in fields.items("shapes"))
        if len(shapes) > _MOST_SHAPES:
            raise fields.error("shapes", f"has {len(shapes)} entries. Give at most {_MOST_SHAPES}.")
        if shapes and not has_models:
            raise fields.error("shapes", "need mode direct. Remove them, or change the mode.")
        return shapes


def _shape(item: Fields) -> str:
    with item:
        model = item.text("model", "", _MODEL, "Give the name of an Op that has a model.")
        inputs = item.raw_object("inputs")
        if not 0 < len(inputs) <= _MOST_INPUTS:
            raise item.error("inputs", f"has {len(inputs)} entries. Give each input's shape, {_MOST_INPUTS} at most.")
        listed = ",".join(f"{name}={_sizes(item, name, sizes)}" for name, sizes in inputs.items())
        return f"{model}:{listed}" if model else listed


def _sizes(item: Fields, name: str, sizes: object) -> str:
    if not _INPUT.fullmatch(name):
        raise item.error("inputs", f"has the key {name[:80]!r}. Give the name of an input of the model.")
    listed = sizes if isinstance(sizes, list) else [None]
    if len(listed) > _MOST_AXES or not all(type(size) is int and 0 < size <= _LARGEST for size in listed):
        raise item.error(f"inputs[{name}]", "is no shape. Give a list of whole numbers such as [1, 3, 48, 320].")
    return "x".join(map(str, listed))
