"""Writes docs/paddleservice.md from the CRD; with --check only compares it.

The CRD is the only place where a field is described; the page lists every field with its type, default and rules.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
CRD = ROOT / "charts" / "paddle-serving-operator" / "files" / "crds" / "paddleservices.yaml"
PAGE = ROOT / "docs" / "paddleservice.md"
INTRODUCTION = """\
# PaddleService

Generated from the CRD by `make generate`. In a terminal: `kubectl explain paddleservice.spec --recursive`.
A field that is not listed here is refused. `*` marks a required field.
What happens when one is changed: [rollouts.md](rollouts.md).
"""


def type_of(schema: Mapping[str, Any]) -> str:
    """The type of a field as a reader would say it: `string`, `integer`, `list of object`, `one of a, b`."""
    if "enum" in schema:
        return "one of " + ", ".join(f"`{value}`" for value in schema["enum"])
    if schema.get("x-kubernetes-int-or-string"):
        return "quantity"
    if schema.get("type") == "array":
        return f"list of {type_of(schema['items'])}"
    if schema.get("type") == "object" and "additionalProperties" in schema:
        return f"map of {type_of(schema['additionalProperties'])}"
    return str(schema.get("type", "any"))


def rows(schema: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str, str, str]]:
    """(path, type, default, description) of every field below `schema`, parents before children."""
    required = set(schema.get("required", ()))
    for name, field in schema.get("properties", {}).items():
        path = f"{prefix}{name}"
        default = f"`{yaml.safe_dump(field['default']).split(chr(10))[0]}`" if "default" in field else ""
        yield f"{path}{'*' if name in required else ''}", type_of(field), default, field.get("description", "")
        yield from rows(field, f"{path}.")
        yield from rows(field.get("items", {}), f"{path}[].")


def rules(schema: Mapping[str, Any]) -> Iterator[str]:
    """The sentences with which contradictions are refused, in the order of the schema."""
    for rule in schema.get("x-kubernetes-validations", ()):
        yield rule["message"].strip()
    for field in schema.get("properties", {}).values():
        yield from rules(field)
        yield from rules(field.get("items", {}))


def cell(text: str) -> str:
    """Text as one cell of a Markdown table."""
    return " ".join(text.split()).replace("|", "\\|")


def page(crd: Mapping[str, Any]) -> str:
    """The whole page."""
    root = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    parts = [INTRODUCTION]
    for section in ("spec", "status"):
        parts.append(f"## {section}\n\n| field | type | default | |\n|---|---|---|---|")
        parts += [
            f"| `{path}` | {cell(kind)} | {cell(default)} | {cell(description)} |"
            for path, kind, default, description in rows(root["properties"][section], "")
        ]
        parts.append("")
    parts.append("## What is refused, and with which sentence\n")
    parts += [f"- {cell(message)}" for message in rules(root)]
    return "\n".join(parts) + "\n"


def main() -> int:
    """The exit status: 1 when --check finds the page stale, else 0."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare only")
    text = page(yaml.safe_load(CRD.read_text()))
    if not parser.parse_args().check:
        PAGE.write_text(text)
    elif not PAGE.exists() or PAGE.read_text() != text:
        sys.stderr.write(f"{PAGE.relative_to(ROOT)} is stale. Run `make generate` and commit the result.\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
