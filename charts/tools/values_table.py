"""Keeps a chart's values.yaml, values.schema.json, files/defaults.yaml and README.md in step.

    python charts/tools/values_table.py            writes the tables of the READMEs and the descriptions of the schemas
    python charts/tools/values_table.py --check    exit status 1 with a sentence for everything that is out of step

values.yaml is the source: the comment that begins with `# --` above a key is its documentation. Templates cannot read
it, so files/defaults.yaml repeats its values for sections that somebody has emptied.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

CHARTS = Path(__file__).resolve().parent.parent
BEGIN = "<!-- values: begin, written by `make generate` -->"
END = "<!-- values: end -->"
MARK = "# --"
DEFAULTS = "files/defaults.yaml"
HELMS_OWN = {"global", "enabled"}
"""Top-level keys that Helm gives to, or reads from, the values of a subchart."""
CLOSING = {"properties", "additionalProperties", "maxProperties", "allOf"}
"""Keywords by which a map says which keys it takes."""
WITHOUT_DEFAULT = {"replicas"}
"""Keys of values.yaml for which null has a meaning of its own."""

Schema = dict[str, Any]
KeyPath = tuple[str, ...]


class MismatchError(Exception):
    """A file lacks something that only a person can add; the message names file, line and key."""


@dataclass(frozen=True, slots=True)
class Value:
    """One key of values.yaml. `default` is None for a key whose children are documented themselves."""

    path: KeyPath
    line: int
    documentation: str
    default: str | None


def key_text(path: KeyPath) -> str:
    """The path as `--set` spells it: dots inside a key are escaped."""
    return ".".join(part.replace(".", r"\.") for part in path)


def resolve(schema: Schema, root: Schema) -> Schema:
    """The schema itself, or what its $ref names inside `root`."""
    reference = schema.get("$ref")
    if reference is None:
        return schema
    found: Schema = root["definitions"][reference.removeprefix("#/definitions/")]
    return found


def child_schema(schema: Schema, key: str) -> Schema | None:
    """The schema of a key by its name, or None where only a pattern or additionalProperties could allow it."""
    child: Schema | None = schema.get("properties", {}).get(key)
    return child


def documentation_above(lines: list[str], line: int) -> str:
    """The `# --` comment right above line number `line` (0-based), as one paragraph; empty where there is none."""
    first = line
    while first > 0 and lines[first - 1].strip().startswith("#"):
        first -= 1
        if lines[first].strip().startswith(MARK):
            text = [comment.strip().removeprefix(MARK).removeprefix("#").strip() for comment in lines[first:line]]
            return " ".join(text)
    return ""


def read_values(text: str, schema: Schema) -> list[Value]:
    """Every key of values.yaml that the schema owns, from top to bottom. Below a free-form value nothing is listed."""
    lines = text.splitlines()

    def walk(node: yaml.MappingNode, owner: Schema, above: KeyPath) -> Iterator[Value]:
        for key, value in node.value:
            path = (*above, key.value)
            child = child_schema(owner, key.value)
            inner = resolve(child, schema) if child else {}
            nested = isinstance(value, yaml.MappingNode) and "properties" in inner
            documentation = documentation_above(lines, key.start_mark.line)
            default = None if nested else json.dumps(yaml.safe_load(yaml.serialize(value)))
            yield Value(path, key.start_mark.line + 1, documentation, default)
            if nested:
                yield from walk(value, inner, path)

    root = yaml.compose(text, Loader=yaml.SafeLoader)
    if not isinstance(root, yaml.MappingNode):
        raise MismatchError("values.yaml is not a mapping.")
    return list(walk(root, schema, ()))


def schema_keys(schema: Schema, root: Schema, above: KeyPath = ()) -> Iterator[KeyPath]:
    """Every key that the schema names, but Helm's own."""
    for key, child in resolve(schema, root).get("properties", {}).items():
        if above or key not in HELMS_OWN:
            yield (*above, key)
            yield from schema_keys(child, root, (*above, key))


def open_levels(node: Any, where: str = "") -> Iterator[str]:  # noqa: ANN401 - any JSON value
    """Places of a schema that are maps and let unknown keys pass."""
    if isinstance(node, dict):
        named = "properties" in node and node.get("additionalProperties", True) is True
        anything = node.get("type") == "object" and not node.keys() & CLOSING
        if named or anything:
            yield where or "/"
        for key, child in node.items():
            yield from open_levels(child, f"{where}/{key}")


def compare(chart: Path, values: list[Value], schema: Schema) -> list[str]:
    """Sentences about keys that values.yaml, the schema and the documentation do not share."""
    known = {value.path: value for value in values}
    named = set(schema_keys(schema, schema))
    file = f"charts/{chart.name}/values.yaml"
    undocumented = [value for value in values if not value.documentation]
    unnamed = [value for value in values if value.path not in named and not _pattern_allows(value.path, schema)]
    return [
        *(f"{file}:{value.line}: `{key_text(value.path)}` has no `# --` comment above it." for value in undocumented),
        *(f"{file}:{value.line}: `{key_text(value.path)}` is not in values.schema.json." for value in unnamed),
        *(f"{file}: `{key_text(path)}` of values.schema.json is missing." for path in sorted(named - set(known))),
        *(
            f"charts/{chart.name}/values.schema.json: {where} accepts misspelt keys; add additionalProperties: false."
            for where in open_levels(schema)
        ),
    ]


def _pattern_allows(path: KeyPath, schema: Schema) -> bool:
    """Whether the parent of `path` allows its last key by a pattern (Kubernetes' extended resources)."""
    parent = schema
    for key in path[:-1]:
        parent = resolve(child_schema(parent, key) or {}, schema)
    return "patternProperties" in parent


def describe(schema: Schema, values: list[Value]) -> Schema:
    """The schema with the documentation of values.yaml; what two keys share is described by the first."""
    described: Schema = json.loads(json.dumps(schema))
    done: set[int] = set()
    for value in values:
        node = described
        for key in value.path[:-1]:
            node = resolve(child_schema(node, key) or {}, described)
        child = child_schema(node, value.path[-1])
        if child is not None and id(child) not in done:
            done.add(id(child))
            child["description"] = value.documentation
    return described


def type_text(path: KeyPath, schema: Schema) -> str:
    """What a value may be, in a word or two: the enumeration, else the JSON types."""
    node = schema
    for key in path:
        node = resolve(child_schema(node, key) or {"type": "quantity"}, schema)
    choices = node.get("anyOf", [node])
    words: list[str | bool] = []
    for choice in choices:
        found = choice.get("enum") or ([choice["const"]] if "const" in choice else choice["type"])
        words += found if isinstance(found, list) else [found]
    return " or ".join(dict.fromkeys(word if isinstance(word, str) else json.dumps(word) for word in words))


def table(values: list[Value], schema: Schema) -> str:
    """The Markdown table of all values, between its markers."""
    rows = ["| key | type | default | what it is |", "|---|---|---|---|"]
    for value in values:
        default = "" if value.default is None else f"`{value.default.replace('|', chr(92) + '|')}`"
        documentation = value.documentation.replace("|", "\\|")
        kind = "" if value.default is None else type_text(value.path, schema)
        rows.append(f"| `{key_text(value.path)}` | {kind} | {default} | {documentation} |")
    return "\n".join([BEGIN, *rows, END])


def defaults(text: str) -> str:
    """files/defaults.yaml: the values of values.yaml."""
    values = {key: value for key, value in yaml.safe_load(text).items() if key not in WITHOUT_DEFAULT}
    return "# Written by `make generate` from values.yaml.\n" + yaml.safe_dump(values, sort_keys=False, width=1000)


def with_table(readme: str, new: str, file: str) -> str:
    """The README with the text between the markers replaced. Raises MismatchError where a marker is missing."""
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise MismatchError(f"{file}: the markers `{BEGIN}` and `{END}` are missing; put them where the table belongs.")
    return before + new + after


def generated(chart: Path) -> Mapping[Path, str]:
    """What the generated files of a chart should contain. Raises MismatchError where values and schema do not fit."""
    schema_file, readme_file = chart / "values.schema.json", chart / "README.md"
    schema = json.loads(schema_file.read_text())
    text = (chart / "values.yaml").read_text()
    values = read_values(text, schema)
    if problems := compare(chart, values, schema):
        raise MismatchError("\n".join(problems))
    readme = with_table(readme_file.read_text(), table(values, schema), f"charts/{chart.name}/README.md")
    described = json.dumps(describe(schema, values), indent=2) + "\n"
    return {schema_file: described, readme_file: readme, chart / DEFAULTS: defaults(text)}


def bring_in_step(chart: Path, *, check: bool) -> list[str]:
    """Writes what is out of date, or with `check` only says so. Returns sentences about what is wrong."""
    try:
        wanted = generated(chart)
    except MismatchError as mismatch:
        return [str(mismatch)]
    stale = [file for file, text in wanted.items() if not file.exists() or file.read_text() != text]
    if check:
        return [f"charts/{chart.name}/{file.name} is out of date. Run: make generate" for file in stale]
    for file in stale:
        file.parent.mkdir(exist_ok=True)
        file.write_text(wanted[file])
        print(f"charts/{chart.name}/{file.name}: written")
    return []


def main() -> int:
    """0 when all is in step (without `--check`: was brought in step), 1 with sentences on stderr otherwise."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing")
    parser.add_argument("chart", nargs="*", type=Path, help="folders of charts; default: all of charts/")
    arguments = parser.parse_args()
    charts = arguments.chart or sorted(file.parent for file in CHARTS.glob("*/Chart.yaml"))
    problems = [problem for chart in charts for problem in bring_in_step(chart, check=arguments.check)]
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
