"""Manifests as Kubernetes reads them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml


class YamlLoader(yaml.SafeLoader):
    """Reads 1e-05 as a number, as Kubernetes (YAML 1.2) does and PyYAML (YAML 1.1) does not."""


YamlLoader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+$"), list("-+0123456789")
)


def read_all(text: str) -> Iterator[dict[str, Any]]:
    """The objects of a text, without what is empty."""
    return (document for document in yaml.load_all(text, Loader=YamlLoader) if document)
