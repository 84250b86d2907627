"""The two Helm charts as archives, and as OCI artefacts of a registry."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path

from images.catalogue import ROOT
from release.commands import run

NAMES = ("paddle-serving-operator", "paddle-serving")
FOLDER = "charts"
"""Below the registry's path: a chart of the name of an image must not take its place."""


def package(output: Path) -> list[Path]:
    """The archives that `helm package` makes in `output`, `NAME-VERSION.tgz` each. Raises ReleaseError."""
    output.mkdir(parents=True, exist_ok=True)
    printed = [run(["helm", "package", ROOT / "charts" / name, "--destination", output]) for name in NAMES]
    return [Path(text.strip().rpartition(": ")[2]) for text in printed]


def push(archives: Sequence[Path], registry: str) -> list[str]:
    """The `oci://` addresses of the charts, once they are there. `registry` is `host[:port][/path]`.

    Raises ReleaseError.
    """
    address = f"oci://{registry}/{FOLDER}"
    host = registry.partition("/")[0]
    for archive in archives:
        flags = ["--plain-http"] if is_loopback(host) else []
        run(["helm", "push", archive, address, *flags], f"Is it there? Are you logged in (helm registry login {host})?")
    return [f"{address}/{name}" for name in NAMES]


def is_loopback(host: str) -> bool:
    """Whether `host[:port]` is this machine, where Docker too speaks HTTP without TLS unasked."""
    name = host.rpartition(":")[0] or host
    try:
        return ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return name == "localhost"
