"""Which fields a report has, and of what kind: pure."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Kind = Callable[[object], bool]
Fields = Mapping[str, Kind]

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_HEX = re.compile(r"[0-9a-f]{64}")
_OVERRIDE = re.compile(r"[A-Za-z0-9_@][A-Za-z0-9_.@-]*")
_MAX_THREADS = 1024


def misfit(report: Mapping[str, Any]) -> str:
    """The first field that a report of this version must have and has not, has and must not have, or has otherwise.

    Empty where every field is as it must be.
    """
    return next(_misfits(report), "")


def _misfits(report: Mapping[str, Any]) -> Iterator[str]:
    yield from _of("", report, _REPORT, _REPORT_OPTIONAL)
    for name, required in (("consistency", _CONSISTENCY), ("counts", _COUNTS), ("switches", _SWITCHES)):
        yield from _of(f"{name}.", report[name], required, {})
    if report["largestDifference"] is not None:
        yield from _of("largestDifference.", report["largestDifference"], _LARGEST, {})
    for number, entry in enumerate(report["comparisons"]):
        if not isinstance(entry, dict):
            yield f"comparisons[{number}] is no object"
        else:
            yield from _of(f"comparisons[{number}].", entry, _ENTRY, _ENTRY_OPTIONAL)


def _of(where: str, found: Mapping[str, Any], required: Fields, optional: Fields) -> Iterator[str]:
    for name, is_right in required.items():
        if name not in found:
            yield f"{where}{name} is missing"
        elif not is_right(found[name]):
            yield f"{where}{name} cannot be {found[name]!r:.80}"
    for name, value in found.items():
        if name in optional and not optional[name](value):
            yield f"{where}{name} cannot be {value!r:.80}"
        elif name not in optional and name not in required:
            yield f"{where}{name:.80} is no field of it"


def _one_of(*words: object) -> Kind:
    return lambda value: value in words and not isinstance(value, bool)


def _text(value: object) -> bool:
    return isinstance(value, str)


def _argument(value: object) -> bool:
    """What goes to a process that computes the answers again, which no NUL can be a part of."""
    return isinstance(value, str) and "\0" not in value


def _overrides(value: object) -> bool:
    """Paths into config.yml: a key that looks like an option would be taken for one."""
    return isinstance(value, dict) and all(
        _OVERRIDE.fullmatch(key) is not None and _argument(item) for key, item in value.items()
    )


def _flag(value: object) -> bool:
    return isinstance(value, bool)


def _count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _error(value: object) -> bool:
    """Null is infinity."""
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool) and value >= 0)


def _tolerance(value: object) -> bool:
    return value is not None and _error(value)


def _object(value: object) -> bool:
    return isinstance(value, dict)


def _maybe(kind: Kind) -> Kind:
    return lambda value: value is None or kind(value)


def _all(kind: Kind) -> Kind:
    return lambda value: isinstance(value, list) and all(kind(item) for item in value)


def _texts(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(item, str) for item in value.values())


def _objects(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(item, dict) for item in value.values())


def _digest(value: object) -> bool:
    return isinstance(value, str) and _DIGEST.fullmatch(value) is not None


def _digest_or_none(value: object) -> bool:
    """A package may have none: without files, or with links."""
    return value == "" or _digest(value)


_REPORT: Fields = {
    "reportVersion": _count,
    "verdict": _one_of("Recorded", "EngineOnly", "None"),
    **dict.fromkeys(("samples", "recorded", "workers"), _count),
    **dict.fromkeys(("modelDigest", "goldenDigest"), _digest_or_none),
    **dict.fromkeys(("imageDigest", "answersDigest"), _maybe(_digest)),
    **dict.fromkeys(("runtimeVersion", "paddleVersion", "backend", "processor"), _text),
    "device": _argument,
    **dict.fromkeys(("cpuFlags", "warnings", "differences"), _all(_text)),
    **dict.fromkeys(("switches", "consistency", "counts"), _object),
    "largestDifference": _maybe(_object),
    "comparisons": lambda value: isinstance(value, list),
}
_REPORT_OPTIONAL: Fields = {
    **dict.fromkeys(("allocator", "choice", "drift", "recheck", "batching", "warmup"), _maybe(_object)),
    **dict.fromkeys(("url", "name", "protocol"), _text),
    "consistent": _flag,
    "signature": lambda _: True,  # judged by whoever checks it
}
_CONSISTENCY: Fields = {
    "mode": _one_of("exact", "tolerance"),
    **dict.fromkeys(("rtol", "atol", "maxTolerance"), _tolerance),
    "require": _one_of("recorded", "engine-only", "auto"),
    "required": _flag,
}
_COUNTS: Fields = dict.fromkeys(("comparisons", "unequal", "elements", "differing", "omitted"), _count)
_SWITCHES: Fields = {
    "engine": _one_of("direct", "pipeline", ""),
    "script": _argument,
    **dict.fromkeys(("irOptim", "oneDNN"), _flag),
    "threads": lambda value: isinstance(value, int) and _count(value) and 0 < value <= _MAX_THREADS,
    "overrides": _overrides,
    "environment": _texts,
    "models": _objects,
}
_LARGEST: Fields = {**dict.fromkeys(("sample", "tensor"), _text), **dict.fromkeys(("absolute", "relative"), _error)}
_ENTRY: Fields = {
    **dict.fromkeys(("sample", "tensor"), _text),
    "against": _one_of("reference", "recorded"),
    **dict.fromkeys(("elements", "differing"), _count),
    **dict.fromkeys(("maxAbsoluteError", "maxRelativeError"), _error),
    "equal": _flag,
}
_ENTRY_OPTIONAL: Fields = {
    "kind": _one_of("missing", "unexpected", "dtype", "shape"),
    "index": _all(_count),
    **dict.fromkeys(("expected", "got"), _text),
    **dict.fromkeys(("absolute", "relative"), _error),
    "ulp": _count,
    "answer": lambda value: isinstance(value, str) and _HEX.fullmatch(value) is not None,
}
