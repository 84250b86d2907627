"""values.yaml, values.schema.json and README.md of each chart say the same, and the tool notices when not."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

CHARTS = Path(__file__).resolve().parents[1]
TOOL = CHARTS / "tools" / "values_table.py"
Edit = Callable[[str], str]


def tool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, TOOL, *arguments], capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    """A copy of a chart, in step."""
    copy = tmp_path / "paddle-serving"
    shutil.copytree(CHARTS / "paddle-serving", copy)
    return copy


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def test_values_schema_and_readme_of_every_chart_are_in_step() -> None:
    result = tool("--check")
    assert result.returncode == 0, result.stderr


def test_a_value_without_a_comment_is_named_with_its_line(chart: Path) -> None:
    edit(chart / "values.yaml", "# -- Runtime profile of", "# Runtime profile of")
    result = tool("--check", chart)
    line = (chart / "values.yaml").read_text().splitlines().index("runtime: cpu") + 1
    assert f"charts/paddle-serving/values.yaml:{line}: `runtime` has no `# --` comment above it." in result.stderr
    assert result.returncode == 1


def test_a_value_that_the_schema_does_not_know_is_named(chart: Path) -> None:
    edit(chart / "values.yaml", "replicas: 1", "replicas: 1\n# -- Something new.\nsurge: 1")
    result = tool("--check", chart)
    assert "`surge` is not in values.schema.json" in result.stderr
    assert result.returncode == 1


def test_a_key_of_the_schema_without_a_value_is_named(chart: Path) -> None:
    edit(chart / "values.yaml", "  oneDNN: true", "")
    result = tool("--check", chart)
    assert "values.yaml: `engine.oneDNN` of values.schema.json is missing" in result.stderr
    assert result.returncode == 1


def test_a_level_that_lets_misspelt_keys_pass_is_named(chart: Path) -> None:
    schema = json.loads((chart / "values.schema.json").read_text())
    del schema["properties"]["engine"]["additionalProperties"]
    (chart / "values.schema.json").write_text(json.dumps(schema))
    result = tool("--check", chart)
    assert "values.schema.json: /properties/engine accepts misspelt keys" in result.stderr
    assert result.returncode == 1


def test_a_map_that_takes_any_key_is_named(chart: Path) -> None:
    schema = json.loads((chart / "values.schema.json").read_text())
    del schema["properties"]["pod"]["properties"]["affinity"]["allOf"]
    (chart / "values.schema.json").write_text(json.dumps(schema))
    result = tool("--check", chart)
    assert "values.schema.json: /properties/pod/properties/affinity accepts misspelt keys" in result.stderr
    assert result.returncode == 1


def test_a_stale_table_is_noticed_and_written_anew(chart: Path) -> None:
    edit(chart / "values.yaml", "# -- Number of pods.", "# -- Number of replicas, that is pods.")
    stale = tool("--check", chart)
    assert "charts/paddle-serving/README.md is out of date. Run: make generate" in stale.stderr
    assert stale.returncode == 1
    assert tool(chart).returncode == 0
    assert (
        "| `replicas` | integer or null | `1` | Number of replicas, that is pods." in (chart / "README.md").read_text()
    )
    schema = json.loads((chart / "values.schema.json").read_text())
    assert schema["properties"]["replicas"]["description"].startswith("Number of replicas, that is pods.")
    assert tool("--check", chart).returncode == 0


def test_a_readme_without_markers_is_not_touched(chart: Path) -> None:
    edit(chart / "README.md", "<!-- values: end -->", "")
    before = (chart / "README.md").read_text()
    result = tool(chart)
    assert "the markers" in result.stderr
    assert result.returncode == 1
    assert (chart / "README.md").read_text() == before
