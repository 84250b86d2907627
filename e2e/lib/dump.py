"""Everything needed to understand a failed test, written into a folder, and a summary of it for the terminal."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

from e2e.lib.cluster import ROOT, CommandFailed, describe_pod
from e2e.lib.then import describe

if TYPE_CHECKING:
    from pathlib import Path

    from e2e.lib.cluster import Namespace, Object

OUTPUT = ROOT / "build" / "e2e"
KINDS = (
    "paddleservices,deployments,replicasets,pods,services,endpointslices,controllerrevisions,pvc,poddisruptionbudgets"
)
EVENT_COLUMNS = "LAST:.lastTimestamp,TYPE:.type,OBJECT:.involvedObject.name,REASON:.reason,MESSAGE:.message"
SUMMARY_EVENTS = 15
LOG_LINES = "2000"


def folder_of(test: str) -> Path:
    """build/e2e/<name of the test>."""
    return OUTPUT / re.sub(r"[^A-Za-z0-9_.-]+", "_", test).strip("_")


def dump(namespace: Namespace, operator: Namespace, test: str) -> str:
    """Writes the folder anew; returns the summary. A part that cannot be had is named in its place, never hidden."""
    folder = folder_of(test)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    events = _said(namespace, "get", "events", "--sort-by=.lastTimestamp", "-o", f"custom-columns={EVENT_COLUMNS}")
    parts = {
        "objects.txt": _said(namespace, "get", KINDS, "-o", "wide"),
        "objects.yaml": _said(namespace, "get", KINDS, "-o", "yaml"),
        "pods.txt": _said(namespace, "describe", "pods"),
        "events.txt": events,
        "operator.log": _said(operator, "logs", "-l", "app.kubernetes.io/component=operator", f"--tail={LOG_LINES}"),
        "nodes.txt": _said(namespace, "describe", "nodes"),
    }
    for name, text in parts.items():
        (folder / name).write_text(text, encoding="utf-8")
    _write_logs(namespace, folder)
    last_events = "\n".join(events.splitlines()[-SUMMARY_EVENTS:])
    return f"{_summary(namespace)}\n\nlast events\n{last_events}\n\nall of it: {folder.relative_to(ROOT)}"


def _write_logs(namespace: Namespace, folder: Path) -> None:
    for pod in _pods(namespace):
        status, name = pod.get("status", {}), pod["metadata"]["name"]
        for container in [*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())]:
            where = ("logs", name, "-c", container["name"], f"--tail={LOG_LINES}")
            (folder / f"{name}.{container['name']}.log").write_text(_said(namespace, *where), encoding="utf-8")
            if container["restartCount"]:
                previous = folder / f"{name}.{container['name']}.previous.log"
                previous.write_text(_said(namespace, *where, "--previous"), encoding="utf-8")


def _summary(namespace: Namespace) -> str:
    try:
        services = [f"{entry['metadata']['name']}: {describe(entry)}" for entry in namespace.list("paddleservices")]
    except CommandFailed as error:
        services = [str(error)]
    return "\n".join([f"namespace {namespace.name}", *services, *map(describe_pod, _pods(namespace))])


def _pods(namespace: Namespace) -> list[Object]:
    try:
        return namespace.list("pods")
    except CommandFailed:
        return []


def _said(namespace: Namespace, *arguments: str) -> str:
    try:
        return namespace.kubectl(*arguments)
    except CommandFailed as error:
        return f"not available: {error}"
