"""A section whose lines are all commented out is null: it means the chart's defaults, in an umbrella chart too."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from charts.tests.conftest import CHARTS

if TYPE_CHECKING:
    from charts.tests.conftest import Helm

OPERATOR, SERVING = "paddle-serving-operator", "paddle-serving"
MINIMAL_FILE = CHARTS / SERVING / "ci" / "default-values.yaml"
MINIMAL = yaml.safe_load(MINIMAL_FILE.read_text())
REQUEST = 'test.request={"key": ["x"], "value": ["1"]}'
KEPT = {"model", "resources"}
"""What MINIMAL gives; without it the chart asks for it (test_refusals.py)."""
PROFILES = {"profiles.cpu", "profiles.gpu", "profiles.vision"}


def sections(values: dict[str, Any], above: tuple[str, ...] = ()) -> Iterator[str]:
    """Every key that holds keys, as a path for --set."""
    for key, value in values.items():
        if isinstance(value, dict):
            path = (*above, key.replace(".", "\\."))
            yield ".".join(path)
            yield from sections(value, path)


def defaults(chart: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((CHARTS / chart / "values.yaml").read_text())
    return loaded


EMPTIED = [
    *((SERVING, path) for path in sections(defaults(SERVING)) if path.partition(".")[0] not in KEPT),
    *((chart, path) for chart in (SERVING, OPERATOR) for path in ("global", "enabled")),
    *((OPERATOR, path) for path in sections(defaults(OPERATOR)) if path not in PROFILES),
]


@pytest.mark.parametrize(("chart", "section"), EMPTIED)
def test_an_emptied_section_means_its_defaults(helm: Helm, chart: str, section: str) -> None:
    given = ("--set-json", REQUEST) if chart == SERVING and section != "test" else ()
    values = MINIMAL_FILE if chart == SERVING else None
    emptied = helm.template(chart, *given, "--set", f"{section}=null", values=values)
    assert emptied == helm.template(chart, *given, values=values)


def test_every_section_at_once(helm: Helm, tmp_path: Path) -> None:
    values = tmp_path / "values.yaml"
    values.write_text(yaml.safe_dump({key: None for key in defaults(SERVING) if key != "replicas"} | MINIMAL))
    emptied = helm.template(SERVING, values=values)
    values.write_text(yaml.safe_dump(MINIMAL))
    assert emptied == helm.template(SERVING, values=values)


def test_an_emptied_profile_is_removed_and_quantities_that_were_taken_away_stay_away(helm: Helm) -> None:
    (profiles,) = (
        manifest
        for manifest in helm.template(
            OPERATOR, "--set", "profiles.gpu=null", "--set", "profiles.cpu.resources.requests.memory=null"
        )
        if manifest["metadata"]["name"].endswith("-profiles")
    )
    written = yaml.safe_load(profiles["data"]["profiles.yaml"])
    assert list(written) == ["cpu", "vision"]
    assert list(written["cpu"]["resources"]["requests"]) == ["cpu"]


def umbrella(folder: Path, values: dict[str, Any]) -> Path:
    """A chart with both of ours as subcharts, under names of its own and with a condition."""
    (folder / "charts").mkdir(parents=True)
    for chart in (OPERATOR, SERVING):
        shutil.copytree(CHARTS / chart, folder / "charts" / chart)
    chosen = ((OPERATOR, "operator"), (SERVING, "ocr"))
    dependencies = [
        {"name": chart, "version": ">=0.0.0", "alias": alias, "condition": f"{alias}.enabled"}
        for chart, alias in chosen
    ]
    chart_yaml = {"apiVersion": "v2", "name": "umbrella", "version": "0.1.0", "dependencies": dependencies}
    (folder / "Chart.yaml").write_text(yaml.safe_dump(chart_yaml))
    (folder / "values.yaml").write_text(yaml.safe_dump(values))
    return folder


def kinds(helm: Helm, chart: Path, *options: str) -> list[str]:
    result = helm.run("template", "r", str(chart), "--kube-version", "1.37.0", *options)
    assert result.returncode == 0, result.stderr
    return [document["kind"] for document in yaml.safe_load_all(result.stdout) if document]


def test_an_umbrella_chart_switches_them_on_and_off(helm: Helm, tmp_path: Path) -> None:
    chart = umbrella(tmp_path / "umbrella", {"ocr": {"enabled": True, **MINIMAL}, "operator": {"enabled": False}})
    assert kinds(helm, chart) == ["PaddleService"]
    both = kinds(helm, chart, "--set", "operator.enabled=true")
    assert {"Deployment", "PaddleService"} <= set(both)
    assert kinds(helm, chart, "--set", "ocr.enabled=false") == []


def test_sections_that_an_umbrella_chart_leaves_empty_mean_their_defaults(helm: Helm, tmp_path: Path) -> None:
    empty = dict.fromkeys(["rollout", "engine", "consistency", "pod", "test", "labels"])
    values = {"ocr": {"enabled": True, **MINIMAL, **empty}, "operator": dict.fromkeys(["rbac", "profiles", "image"])}
    emptied = umbrella(tmp_path / "emptied", values)
    full = umbrella(tmp_path / "full", {"ocr": {"enabled": True, **MINIMAL}})
    rendered = [helm.run("template", "r", str(chart), "--kube-version", "1.37.0").stdout for chart in (emptied, full)]
    assert rendered[0] == rendered[1] != ""
