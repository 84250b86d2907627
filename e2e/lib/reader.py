"""Who types what documents say at the cluster of the tests."""

from __future__ import annotations

import json
import re
import shlex
from contextlib import contextmanager
from typing import TYPE_CHECKING

from e2e.lib.portforward import forwarded
from tools.documents import ROOT
from tools.typed import Reader, environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from e2e.lib.cluster import Namespace
    from tools.documents import Block


def reader_of(namespace: Namespace, folder: Path) -> Reader:
    """Somebody whose kubectl and helm are in that namespace."""
    view = namespace.cluster.kubectl("config", "view", "--raw", "--minify", "--flatten", "--output", "json")
    return Reader(folder, json.loads(view), namespace.name)


@contextmanager
def typed_forward(reader: Reader, block: Block, by: Mapping[str, str]) -> Iterator[str]:
    """The address that a document's `kubectl port-forward` leads to the service from, until the block ends."""
    words = shlex.split(block.replaced(by).text)
    with forwarded(words, " ".join(words), environment(reader.variables)) as address:
        yield address


def typed_by(tour: str) -> list[str]:
    """The commands that a guided tour has shown, to be compared with those of a document."""
    return [comparable(line) for line in re.findall(r"^ +\$ (.*)$", tour, re.MULTILINE)]


def comparable(command: str) -> str:
    """The command without what differs between machines: where programs and files are, and ports."""
    command = re.sub(
        r"\S*/(python|paddle-serving-runtime)(?:3?(?:\.\d+)?)(?= )", r"\1", command.replace(f"{ROOT}/", "")
    )
    return re.sub(r"\b\d{4,5}\b", "PORT", command)
