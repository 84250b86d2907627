"""Whether a report says what comes out when everything is computed again: pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Json = Mapping[str, Any]

_PLAIN = {
    "runtimeVersion": "runtime version",
    "paddleVersion": "Paddle version",
    "backend": "backend",
}
_RESULTS = ("verdict", "samples", "recorded", "warnings", "differences")
_NUMBERS = ("comparisons", "unequal", "elements", "differing")
_ALWAYS = ("elements", "equal", "kind", "answer")
"""Fields of a comparison that the tolerance of served answers leaves no room for."""


@dataclass(frozen=True)
class Finding:
    """Something about a `part` of a report that keeps it from being confirmed.

    `differs` where report and recomputation say different things, else it cannot be compared on this machine.
    """

    part: str
    sentence: str
    differs: bool = True


def same_machine(report: Json, here: Json) -> bool:
    """Whether answers must be equal bit for bit: the processor, what is known of it, and every device are the same."""
    machine = all(report[name] == here[name] for name in ("processor", "cpuFlags", "device"))
    return machine and _devices(report) == _devices(here)


def origin_findings(report: Json, here: Json) -> Iterator[Finding]:
    """What the two were computed with, part by part; `here` is a report of this machine."""
    yield from _image(report["imageDigest"], here["imageDigest"])
    for name, part in _PLAIN.items():
        if report[name] != here[name]:
            yield Finding(part, _both(report[name], here[name]))
    for name, device in {"": report["device"], **_devices(report)}.items():
        found = _devices(here).get(name) if name else here["device"]
        if device != found and found is not None:
            yield Finding("device", f"{f'model {name}: ' if name else ''}{_both(device, found)}", differs=False)
    if (report["processor"], report["cpuFlags"]) != (here["processor"], here["cpuFlags"]):
        yield Finding("processor", _processors(report, here), differs=False)
    yield from _switches(report["switches"], here["switches"])


def result_findings(report: Json, here: Json) -> Iterator[Finding]:
    """What came out; on another machine answers need not be equal bit for bit."""
    same = same_machine(report, here)
    yield from _entries(report, here, same=same)
    for name in _RESULTS:
        if report[name] != here[name]:
            yield Finding("answers", f"{name}: {_both(report[name], here[name])}")
    if report.get("consistent") is False:
        yield Finding("answers", "the report itself says that they are not consistent.")
    for name in _NUMBERS if same else ("comparisons", "unequal"):
        if report["counts"][name] != here["counts"][name]:
            yield Finding("answers", f"counts.{name}: {_both(report['counts'][name], here['counts'][name])}")
    for name in ("answersDigest", "largestDifference") if same else ():
        if report[name] != here[name]:
            yield Finding("answers", f"{name}: {_both(report[name], here[name])}")


def _image(reported: str | None, here: str | None) -> Iterator[Finding]:
    if reported == here or (reported is None and here is None):
        return
    if reported is None:
        sentence = f"the report does not say which one it is of, and this one is {here}."
        yield Finding("image", sentence, differs=False)
    elif here is None:
        sentence = f"the report is of {reported}; which one this is, nobody has said: --image-digest."
        yield Finding("image", sentence, differs=False)
    else:
        yield Finding("image", _both(reported, here))


def _processors(report: Json, here: Json) -> str:
    names = _both(report["processor"] or "unknown", here["processor"] or "unknown")
    only = {
        "only there": sorted(set(report["cpuFlags"]) - set(here["cpuFlags"])),
        "only here": sorted(set(here["cpuFlags"]) - set(report["cpuFlags"])),
    }
    flags = "; ".join(f"{where}: {', '.join(found)}" for where, found in only.items() if found)
    return f"{names} {flags[:1].upper()}{flags[1:]}." if flags else names


def _switches(report: Json, here: Json) -> Iterator[Finding]:
    told, found = (dict(_flat("", switches)) for switches in (report, here))
    if not told["engine"]:  # who asks from outside does not know it
        found["engine"] = told["engine"]
    for name in sorted(told.keys() | found.keys()):
        is_device = name.startswith("models.") and name.endswith(".device") and name in told and name in found
        if told.get(name) != found.get(name) and not is_device:
            yield Finding("switches", f"{name}: {_both(told.get(name), found.get(name))}")


def _devices(report: Json) -> dict[str, str]:
    """The device of every model of the service, by its name there."""
    return {name: str(switches.get("device")) for name, switches in report["switches"]["models"].items()}


def _flat(prefix: str, value: Json) -> Iterator[tuple[str, Any]]:
    for name, item in value.items():
        if isinstance(item, dict) and (item or not prefix):
            yield from _flat(f"{prefix}{name}.", item)
        else:
            yield f"{prefix}{name}", item


def _entries(report: Json, here: Json, *, same: bool) -> Iterator[Finding]:
    found = {_key(entry): entry for entry in here["comparisons"]}
    told = [_key(entry) for entry in report["comparisons"]]
    for key, entry in zip(told, report["comparisons"], strict=True):
        if key not in found:
            yield Finding("answers", f"{_where(entry)}: the report has this comparison, but there is none here.")
            continue
        exact = same and not (entry["against"] == "reference" and report["consistency"]["mode"] == "tolerance")
        yield from _entry(entry, found[key], exact=exact, same=same)
    if len(set(told)) != len(told):
        yield Finding("answers", "the report has a comparison twice.")
    left_out = len(found.keys() - set(told))
    if left_out != report["counts"]["omitted"]:
        omitted = report["counts"]["omitted"]
        yield Finding("answers", f"comparisons left out of the report: {_both(omitted, left_out)}")


def _entry(told: Json, found: Json, *, exact: bool, same: bool) -> Iterator[Finding]:
    if not found["equal"]:
        sides = f"here {_side(found)}"
        yield Finding("answers", f"{_place(found)}: they are not equal {sides}.")
    fields = [name for name in (*told, *(name for name in found if name not in told)) if _differ(told, found, name)]
    if not exact:
        fields = [name for name in fields if name in _ALWAYS and (same or name != "answer")]
    if not fields:
        return
    if {"index", "expected", "got"} & set(fields):
        yield Finding("answers", f"{_place(told)}: the report {_side(told)}, here {_place_and_side(told, found)}.")
    elif fields == ["answer"]:
        yield Finding("answers", f"{_where(told)}: Paddle Inference answers something else here, by its sha256.")
    else:
        name = fields[0]
        yield Finding("answers", f"{_where(told)}: {name}: {_both(told.get(name), found.get(name))}")


def _differ(told: Json, found: Json, name: str) -> bool:
    return bool(told.get(name) != found.get(name))


def _key(entry: Json) -> tuple[str, str, str]:
    return entry["sample"], entry["tensor"], entry["against"]


def _where(entry: Json) -> str:
    return f"sample {entry['sample']}, tensor {entry['tensor']}, against {entry['against']}"


def _place(entry: Json) -> str:
    element = f", element {entry['index']}" if entry.get("index") else ""
    return f"sample {entry['sample']}, tensor {entry['tensor']}{element}, against {entry['against']}"


def _side(entry: Json) -> str:
    return f"expected {entry.get('expected')}, got {entry.get('got')}"


def _place_and_side(told: Json, found: Json) -> str:
    moved = f"element {found.get('index')} " if told.get("index") != found.get("index") else ""
    return f"{moved}{_side(found)}"


def _both(told: object, here: object) -> str:
    told, here = ("nothing" if value is None else value for value in (told, here))
    return f"{told} in the report, {here} here."
