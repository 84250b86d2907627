"""Reads a report that comes from anywhere; whatever is not surely one is refused. Pure."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from paddle_serving_runtime.errors import ReportUnreadable
from paddle_serving_runtime.evidence.canonical import canonical
from paddle_serving_runtime.evidence.form import misfit
from paddle_serving_runtime.evidence.report import VERSION
from paddle_serving_runtime.words import one_line

MAX_INPUT = 4 << 20
"""Bytes: a ConfigMap with a report, however it is written."""

KEY = "report.json"


def read_report(content: bytes) -> dict[str, Any]:
    """The report in a text: the report itself, or a ConfigMap that has it as JSON or YAML.

    Raises ReportUnreadable for a text that is cut off, has a key twice, is no report of this version, or has a field
    that reports do not have or that cannot have its value.
    """
    if len(content) > MAX_INPUT:
        raise ReportUnreadable(f"the input is larger than {MAX_INPUT >> 20} MiB; that is not a report.")
    if not content.strip():
        raise ReportUnreadable("the input is empty.")
    if not content.lstrip().startswith(b"{"):
        return _checked(parse_json(_from_yaml(content)))
    document = parse_json(content)
    if isinstance(document, dict) and "kind" in document:
        document = parse_json(_from_config_map(document))
    return _checked(document)


def parse_json(text: str | bytes) -> Any:  # noqa: ANN401 - JSON
    """The value of a JSON text. Raises ReportUnreadable for a key that is there twice and for what is no number."""
    try:
        return json.loads(
            _decoded(text), object_pairs_hook=_once, parse_constant=_no_number, parse_float=_finite, parse_int=_exact
        )
    except json.JSONDecodeError as error:
        raise ReportUnreadable(f"the input is not JSON, or is cut off: {error}.") from None
    except RecursionError:
        raise ReportUnreadable("the input is nested too deeply.") from None


def _decoded(text: str | bytes) -> str:
    try:
        return text if isinstance(text, str) else text.decode()
    except UnicodeDecodeError as error:
        raise ReportUnreadable(f"the input is not UTF-8: byte {error.start}.") from None


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ReportUnreadable(f"the key {name!r:.80} is there twice, and nobody knows which one counts.")
        found[name] = value
    return found


def _no_number(text: str) -> None:
    raise ReportUnreadable(f"{text} is not a number of JSON.")


def _finite(text: str) -> float:
    if not math.isfinite(value := float(text)):
        raise ReportUnreadable(f"{text:.40} is not a number of 64 bits.")
    return value


def _exact(text: str) -> int:
    """Whole numbers beyond these are not the same for every reader of JSON."""
    if len(text) > len(str(1 << 53)) + 1 or abs(value := int(text)) >= 1 << 53:
        raise ReportUnreadable(f"{text:.40} is too large for a whole number in a report.")
    return value


def _from_config_map(document: Mapping[str, Any]) -> str:
    if document["kind"] != "ConfigMap":
        raise ReportUnreadable(
            f"the input is a {document['kind']!r:.40}, not a ConfigMap. Name one: kubectl get configmap NAME -o json."
        )
    data = document.get("data")
    text = data.get(KEY) if isinstance(data, dict) else None
    if not isinstance(text, str):
        raise ReportUnreadable(f"the ConfigMap has no {KEY} in data.")
    return text


def _from_yaml(content: bytes) -> str:
    """The text of the report in a ConfigMap. Only the nodes on the way to it are looked at, nothing is constructed."""
    try:
        root = yaml.compose(_decoded(content), Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise ReportUnreadable(f"the input is neither JSON nor YAML, or is cut off: {one_line(error):.200}.") from None
    except RecursionError:
        raise ReportUnreadable("the input is nested too deeply.") from None
    top = _mapping(root)
    return _from_config_map(
        {
            "kind": _text(top.get("kind")),
            "data": {name: _text(node) for name, node in _mapping(top.get("data")).items()},
        }
    )


def _mapping(node: yaml.Node | None) -> dict[str, yaml.Node]:
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    return _once([(str(key.value), value) for key, value in pairs])


def _text(node: yaml.Node | None) -> str | None:
    is_text = isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:str"
    return node.value if is_text and node is not None else None


def _checked(document: object) -> dict[str, Any]:
    if not isinstance(document, dict) or "reportVersion" not in document:
        raise ReportUnreadable(
            "the input is not a report: it has no reportVersion. Those of the first runtimes have none, and cannot be "
            "verified."
        )
    version = document["reportVersion"]
    if version != VERSION or isinstance(version, bool):
        raise ReportUnreadable(
            f"the report is of version {version!r:.40}, and this runtime knows version {VERSION}. Use the runtime that "
            "the report names, or a later one."
        )
    if problem := misfit(document):
        raise ReportUnreadable(f"the report is not one of version {VERSION}: {problem}.")
    try:
        canonical(document)
    except (ValueError, RecursionError) as error:
        raise ReportUnreadable(f"the report has a value that cannot be signed: {error}.") from None
    return document
