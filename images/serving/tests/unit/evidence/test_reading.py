"""Whatever is not surely a report of this version is refused, with what is wrong with it."""

import contextlib
import copy
import json
from types import ModuleType
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from images.serving.tests.unit.evidence.test_report import evidence_of, proof
from images.serving.tests.unit.evidence.test_signature import places
from paddle_serving_runtime.errors import ReportUnreadable
from paddle_serving_runtime.evidence.reading import MAX_INPUT, read_report
from paddle_serving_runtime.evidence.report import document

MODELS = {"a": {"oneDNN": True}}
SWITCHES = {
    "engine": "direct",
    "script": "",
    "irOptim": True,
    "oneDNN": True,
    "threads": 1,
    "overrides": {"op.a": "1"},
    "environment": {},
    "models": MODELS,
}
CONSISTENCY = {"mode": "exact", "rtol": 0.0, "atol": 0, "maxTolerance": 0.05, "require": "auto", "required": True}
REPORT = {
    **document(proof(evidence_of(("a.json", "y", [1.5], [1.25]), ("b.json", "z", "text", "tex")), warnings=["Größe"])),
    "switches": SWITCHES,
    "consistency": CONSISTENCY,
    "drift": None,
    "recheck": {"rounds": 3},
    "largestDifference": {"sample": "a.json", "tensor": "y", "absolute": 1, "relative": None},
}
TEXT = json.dumps(REPORT, ensure_ascii=False, separators=(",", ":"))


def config_map(text: str = TEXT) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "ocr-1-report", "labels": {"on": "yes"}},
        "data": {"report.json": text, "other": "1"},
    }


def refused(content: str | bytes, *words: str) -> None:
    with pytest.raises(ReportUnreadable) as failure:
        read_report(content if isinstance(content, bytes) else content.encode())
    for word in words:
        assert word in failure.value.message, failure.value.message


def test_a_report_is_read_alone_and_from_a_config_map_as_kubectl_prints_it() -> None:
    block = yaml.dump(config_map(json.dumps(REPORT, indent=2)), default_style="|")
    for text in (
        TEXT,
        json.dumps(REPORT, indent=4),
        json.dumps(config_map()),
        json.dumps(config_map(), indent=4, ensure_ascii=False),
        yaml.dump(config_map(), allow_unicode=True, width=1 << 20),
        yaml.dump(config_map()),
        yaml.dump(config_map(), default_style='"'),
        block,
    ):
        assert read_report(text.encode()) == REPORT


@pytest.mark.parametrize("text", [TEXT, json.dumps(config_map())])
def test_a_report_that_is_cut_off_anywhere_is_refused(text: str) -> None:
    content = text.encode()
    for end in {*range(0, len(content), 7), len(content) - 1}:
        refused(content[:end])


def test_a_yaml_config_map_that_is_cut_off_anywhere_before_its_end_is_refused() -> None:
    content = yaml.dump(config_map(), width=1 << 20).encode()
    end = content.index(b"kind:")
    for cut in range(0, end, 31):
        refused(content[:cut])


@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode(errors="replace")))
def test_nothing_else_is_a_report(content: bytes) -> None:
    refused(content)


@given(st.data())
def test_a_changed_byte_never_raises_anything_else(data: st.DataObject) -> None:
    source = data.draw(st.sampled_from([TEXT, yaml.dump(config_map())])).encode()
    place = data.draw(st.integers(0, len(source) - 1))
    changed = source[:place] + bytes([data.draw(st.integers(0, 255))]) + source[place + 1 :]
    with contextlib.suppress(ReportUnreadable):
        assert read_report(changed)["reportVersion"] == 1


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "is empty"),
        (" \n", "is empty"),
        ("[1]", "no report.json in data|is a None, not a ConfigMap"),
        ("{}", "is not a report: it has no reportVersion"),
        ('{"verdict": "Recorded", "samples": 3, "comparisons": []}', "it has no reportVersion"),
        (TEXT + "x", "is not JSON, or is cut off"),
        (TEXT.replace('"samples":1', '"samples":1,"samples":1'), "the key 'samples' is there twice"),
        (TEXT.replace('"threads":1', '"threads":1,"threads":1'), "the key 'threads' is there twice"),
        (TEXT.replace('"samples":1', '"samples":NaN'), "NaN is not a number of JSON"),
        (TEXT.replace('"rtol":0.0', '"rtol":Infinity'), "Infinity is not a number of JSON"),
        (TEXT.replace('"rtol":0.0', '"rtol":1e999'), "1e999 is not a number of 64 bits"),
        (TEXT.replace('"rounds":3', '"rounds":9007199254740992'), "too large for a whole number"),
        (TEXT.replace('"rounds":3', f'"rounds":{"9" * 5000}'), "too large for a whole number"),
        (TEXT.replace('"reportVersion":1', '"reportVersion":2'), "is of version 2, and this runtime knows version 1"),
        (TEXT.replace('"reportVersion":1', '"reportVersion":"1"'), "is of version '1'"),
        (TEXT.replace('"reportVersion":1', '"reportVersion":true'), "is of version True"),
        (TEXT.replace('"reportVersion":1', '"reportVersion":1.5'), "is of version 1.5"),
        (TEXT.replace("Größe", "\\ud800"), "cannot be signed"),
        (json.dumps(config_map()).replace("ConfigMap", "List"), "is a 'List', not a ConfigMap. Name one"),
        (json.dumps(config_map()).replace("report.json", "report.txt"), "has no report.json in data"),
        (json.dumps({**config_map(), "data": None}), "has no report.json in data"),
        (json.dumps(config_map(TEXT[:-5])), "is cut off"),
        ("kind: ConfigMap\ndata:\n  report.json: 5\n", "has no report.json in data"),
        ("kind: ConfigMap\ndata:\n  report.json: '{}'\n  report.json: '{}'\n", "the key 'report.json' is there twice"),
        ("kind: ConfigMap\nkind: ConfigMap\n", "the key 'kind' is there twice"),
        ("kind: ConfigMap\n---\nkind: ConfigMap\n", "neither JSON nor YAML"),
        ("kind: ConfigMap\ndata: !stub {}\n", "has no report.json in data"),
        ("kind: ConfigMap\ndata: [", "neither JSON nor YAML"),
        (b"\xff\xfe{}", "is not UTF-8"),
        (b"{\xff}", "is not UTF-8"),
        (b" " * MAX_INPUT + b"{}", "is larger than 4 MiB"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(content: str | bytes, words: str) -> None:
    with pytest.raises(ReportUnreadable, match=words):
        read_report(content if isinstance(content, bytes) else content.encode())


@pytest.mark.parametrize(
    ("parser", "function", "content"), [(json, "loads", TEXT), (yaml, "compose", "kind: ConfigMap\n")]
)
def test_a_text_that_is_too_deep_for_its_parser_is_refused(
    monkeypatch: pytest.MonkeyPatch, parser: ModuleType, function: str, content: str
) -> None:
    def too_deep(*_arguments: object, **_options: object) -> None:
        raise RecursionError

    monkeypatch.setattr(parser, function, too_deep)
    with pytest.raises(ReportUnreadable, match="the input is nested too deeply"):
        read_report(content.encode())


OPTIONAL = {"kind", "index", "expected", "got", "absolute", "relative", "ulp", "answer"}
ANY_VALUE = {("recheck", "rounds"), ("switches", "overrides", "op.a"), ("switches", "models", "a")}
FIELDS = [
    path
    for path in places(REPORT)
    if path and isinstance(path[-1], str) and path != ("reportVersion",) and path[:3] not in ANY_VALUE
]


@pytest.mark.parametrize("path", FIELDS, ids=lambda path: ".".join(map(str, path)))
def test_a_field_that_is_missing_or_of_another_kind_is_named(path: tuple[Any, ...]) -> None:
    altered: Any = copy.deepcopy(REPORT)
    parent = altered
    for key in path[:-1]:
        parent = parent[key]
    parent[path[-1]] = [[1]]
    refused(json.dumps(altered), str(path[-1]))
    del parent[path[-1]]
    if path[0] in ("drift", "recheck") or (path[0] == "comparisons" and path[-1] in OPTIONAL):
        read_report(json.dumps(altered).encode())
    else:
        refused(json.dumps(altered), f"{path[-1]} is missing")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("script", "web_service.py \0"),
        ("threads", 1 << 40),
        ("overrides", {"--model-dir": "/other"}),
        ("overrides", {"-x": "1"}),
        ("overrides", {"a b": "1"}),
        ("overrides", {"": "1"}),
        ("overrides", {"op.a": "1\0"}),
    ],
)
def test_what_would_be_another_option_of_the_processes_that_compute_is_refused(name: str, value: object) -> None:
    refused(json.dumps({**REPORT, "switches": {**REPORT["switches"], name: value}}), f"switches.{name} cannot be")


def test_a_device_is_one_argument() -> None:
    refused(json.dumps({**REPORT, "device": "cpu\0"}), "device cannot be")


def test_a_field_that_reports_do_not_have_is_refused() -> None:
    refused(json.dumps({**REPORT, "approvedBy": "nobody"}), "approvedBy is no field of it")
    entry = {**REPORT["comparisons"][0], "approvedBy": "nobody"}
    refused(json.dumps({**REPORT, "comparisons": [entry]}), "comparisons[0].approvedBy is no field of it")
