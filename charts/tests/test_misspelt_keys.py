"""A misspelt key is refused at every level of the values, before anything is applied."""

from __future__ import annotations

import copy
import functools
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
import yaml

from charts.tests.conftest import CHARTS

if TYPE_CHECKING:
    from pathlib import Path

    from charts.tests.conftest import Helm

OPERATOR, SERVING = "paddle-serving-operator", "paddle-serving"
FREE = {
    "annotations",
    "expect",
    "inputs",
    "labels",
    "matchLabels",
    "metadata",
    "nodeSelector",
    "overrides",
    "podAnnotations",
    "podLabels",
}
"""Maps whose keys are their owner's: labels and the like, inputs of a model, arguments of a service, of a trigger."""
FREE_PATHS = {("profiles",), ("test", "request")}
EXTENDED = "/"  # in the name of a resource that a device plugin brings, which a chart cannot know

Path_ = tuple[str | int, ...]


def merged(below: Any, above: Any) -> Any:  # noqa: ANN401 - any value of a tree
    """Two trees as Helm merges values: maps key by key, anything else is replaced."""
    if not (isinstance(below, dict) and isinstance(above, dict)):
        return above
    return below | {key: merged(below.get(key), value) for key, value in above.items()}


@functools.cache
def everything(chart: str) -> str:
    """JSON of the values with every key that the scenarios of ci/ give."""
    files = [CHARTS / chart / "values.yaml", *sorted((CHARTS / chart / "ci").glob("*-values.yaml"))]
    return json.dumps(functools.reduce(merged, (yaml.safe_load(file.read_text()) or {} for file in files)))


def named_keys(values: Any, above: Path_ = ()) -> Iterator[Path_]:  # noqa: ANN401 - any value of a tree
    """The path of every key whose name the chart gives, inside of lists too."""
    if isinstance(values, list):
        for index, item in enumerate(values):
            yield from named_keys(item, (*above, index))
    if isinstance(values, dict):
        free = above in FREE_PATHS or (above and above[-1] in FREE)
        for key, value in values.items():
            if not free and EXTENDED not in key:
                yield (*above, key)
            if above not in FREE_PATHS - {("profiles",)}:
                yield from named_keys(value, (*above, key))


def misspelt(values: Any, path: Path_) -> Any:  # noqa: ANN401 - any value of a tree
    """A copy in which the last key of a path has a letter too many."""
    changed = copy.deepcopy(values)
    owner = functools.reduce(lambda node, key: node[key], path[:-1], changed)
    owner[f"{path[-1]}x"] = owner.pop(path[-1])
    return changed


def schema_of(chart: str) -> jsonschema.Draft7Validator:
    return jsonschema.Draft7Validator(json.loads((CHARTS / chart / "values.schema.json").read_text()))


@pytest.mark.parametrize("chart", [OPERATOR, SERVING])
def test_every_key_of_the_values_is_refused_with_a_letter_too_many(chart: str) -> None:
    values, schema = json.loads(everything(chart)), schema_of(chart)
    assert not list(schema.iter_errors(values))
    keys = list(named_keys(values))
    assert len(keys) > 100
    assert [path for path in keys if schema.is_valid(misspelt(values, path))] == []


@pytest.mark.parametrize("chart", [OPERATOR, SERVING])
def test_helm_names_the_misspelt_keys_of_all_levels_at_once(helm: Helm, tmp_path: Path, chart: str) -> None:
    values = json.loads(everything(chart))
    keys = list(named_keys(values))
    for path in keys:
        functools.reduce(lambda node, key: node[key], path[:-1], values)[f"{path[-1]}x"] = "x"
    file = tmp_path / "values.yaml"
    file.write_text(json.dumps(values))
    said = helm.refusal(chart, values=file)
    assert [path for path in keys if f"'{path[-1]}x'" not in said] == []
