"""The operator's chart as the README installs it: default values, both scopes, nothing that needs a look."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from e2e.lib import session
from e2e.lib.cluster import ROOT

if TYPE_CHECKING:
    from e2e.lib.cluster import Cluster, Namespace

pytestmark = pytest.mark.e2e

NAMESPACED = ("--set", "rbac.scope=Namespaced", "--set", "watchNamespaces={default}")
READY = "30s"


@pytest.mark.parametrize("more", [(), NAMESPACED], ids=["cluster", "namespaced"])
def test_default_values_are_ready_within_30_seconds_without_a_warning(
    cluster: Cluster, operator: Namespace, more: tuple[str, ...]
) -> None:
    where = ("--namespace", operator.name)
    # an API server that takes every word for a restricted namespace warns of a pod that is not
    cluster.create_namespace(operator.name, {"pod-security.kubernetes.io/warn": "restricted"})
    cluster.helm("uninstall", session.RELEASE, *where, "--wait")
    try:
        assert said("lint", "--strict", "--quiet", str(session.OPERATOR_CHART), *more) == ("", "")
        _, warnings = said(
            *("install", session.RELEASE, str(session.OPERATOR_CHART), *where, *more, "--wait", "--timeout", READY),
            *("--kube-context", cluster.context),
        )
        assert warnings == ""
        assert "Succeeded" in cluster.helm("test", session.RELEASE, *where, "--timeout", "2m")
        # a pod of the test would stay behind when the release is uninstalled
        assert operator.find("pod", f"{session.RELEASE}-test") is None
    finally:
        session.install_operator(cluster)


def said(*arguments: str) -> tuple[str, str]:
    """What helm printed, and what it printed as warnings or errors."""
    command = ["helm", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=180, cwd=ROOT)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return done.stdout, done.stderr
