"""Whether a prototxt speaks of the program that it lies beside."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from paddle_serving_runtime.errors import ModelInvalid
from paddle_serving_runtime.paddle_model import prototxt
from paddle_serving_runtime.paddle_model.program import Port, Program
from paddle_serving_runtime.paddle_model.prototxt import NOTHING_FIXED, ModelConf, Variable


def check_agreement(model_dir: Path, conf: ModelConf, program: Program) -> None:
    """Returns when names, types and shapes of the prototxt can be those of the program.

    A prototxt may name fewer outputs than the program has, but no fewer inputs; it leaves free dimensions out, and may
    fix what the program leaves free. Raises ModelInvalid naming the variable and both.
    """
    feeds, fetches = _by_name(program.feeds), _by_name(program.fetches)
    _require_named(model_dir, "input", feeds.keys(), {variable.name for variable in conf.feeds})
    for kind, variables, ports in (("input", conf.feeds, feeds), ("output", conf.fetches, fetches)):
        _require_named(model_dir, kind, {variable.name for variable in variables}, ports.keys())
        for variable in variables:
            _require_same(model_dir, kind, variable, ports[variable.name])


def _by_name(ports: Iterable[Port]) -> Mapping[str, Port]:
    return {port.name: port for port in ports}


def _require_named(model_dir: Path, kind: str, wanted: Iterable[str], there: Iterable[str]) -> None:
    if missing := sorted(set(wanted) - set(there)):
        others = ", ".join(sorted(there)) or "none"
        raise _misfit(model_dir, f"{kind} {missing[0]!r} is only in one of them (the other has {others})")


def _require_same(model_dir: Path, kind: str, variable: Variable, port: Port) -> None:
    named = f"{kind} {variable.name!r}"
    if (variable.dtype.kind == "U") != (port.dtype == "str"):
        raise _misfit(model_dir, f"{named} is text in only one of them")
    if variable.dtype != prototxt.numpy_dtype(port.dtype):
        stated = "bfloat16" if variable.dtype == prototxt.numpy_dtype("bfloat16") else variable.dtype
        raise _misfit(model_dir, f"{named} is {stated} in the prototxt, but {port.dtype} in the model")
    if port.dtype != "str" and not variable.is_lod and not _can_be(variable.shape, port.shape):
        raise _misfit(
            model_dir,
            f"{named} has the shape {list(variable.shape)} in the prototxt (free dimensions left out), but "
            f"{list(port.shape)} in the model",
        )


def _can_be(declared: Sequence[int], actual: Sequence[int]) -> bool:
    """Whether the declared dimensions, in their order, are among those after the batch, or are all of them.

    -1 stands for any size on either side.
    """
    if tuple(declared) in NOTHING_FIXED:
        return True
    if len(declared) == len(actual) and all(map(_same, declared, actual)):
        return True
    rest = iter(actual[1:])
    return all(any(_same(want, size) for size in rest) for want in declared)


def _same(one: int, other: int) -> bool:
    return -1 in (one, other) or one == other


def _misfit(model_dir: Path, what: str) -> ModelInvalid:
    return ModelInvalid(
        f"{model_dir / prototxt.FILE_NAME} and the model do not fit: {what}. Write the prototxt again with "
        "`python -m paddle_serving_client.convert`."
    )
