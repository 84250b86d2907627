"""What Helm prints after an installation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from charts.tests.conftest import CHARTS

if TYPE_CHECKING:
    from charts.tests.conftest import Helm

DEFAULT = CHARTS / "paddle-serving" / "ci" / "default-values.yaml"


@pytest.mark.parametrize(
    ("option", "notice"),
    [
        ("consistency.required=false", "WARNING: consistency.required is false."),
        ("rollout.paused=true", "NOTE: rollout.paused is true."),
        ("rollout.strategy=Recreate", "NOTE: rollout.strategy is Recreate. During a change nobody answers"),
        ("rollout.autoRollback=false", "NOTE: rollout.autoRollback is false."),
        (
            "security.tlsSecret=tls,ingress.enabled=true,ingress.hosts[0].host=a.example.com",
            "NOTE: security.tlsSecret is given, so pods speak TLS alone. What stands before them has to speak it too",
        ),
        ("networkPolicy.enabled=true", "NOTE: networkPolicy.enabled is true. A NetworkPolicy has an effect only where"),
        (
            "ingress.hosts[0].path=/",
            "NOTE: ingress.hosts: given, but ingress.enabled is false, so that nothing is made",
        ),
        (
            "httpRoute.parentRefs[0].name=public,httpRoute.hostnames[0]=ocr.example.com",
            "NOTE: httpRoute.hostnames, httpRoute.parentRefs: given, but httpRoute.enabled is false",
        ),
        ("keda.prometheus.serverAddress=http://prometheus:9090", "NOTE: keda.prometheus: given, but keda.enabled is"),
        ("rollout.drift.samples=Replay", "NOTE: rollout.drift.samples is Replay. Pods keep the last requests of users"),
        (
            "rollout.strategy=Canary,rollout.steps[0].weight=5,rollout.steps[1].weight=50",
            "kubectl paddle watch ocr -n default        (5 %, 50 %, then everything)",
        ),
    ],
)
@pytest.mark.parametrize("helm", ["helm4"], indirect=True)
def test_a_release_is_told_what_its_values_give_up(helm: Helm, option: str, notice: str) -> None:
    """By Helm 4, which shows the notes without a cluster; Helm 3 does not."""
    install = ("install", "ocr", str(CHARTS / "paddle-serving"), "--dry-run=client", "--values", str(DEFAULT))
    assert notice in helm.run(*install, "--set", option).stdout
    plain = helm.run(*install)
    assert plain.returncode == 0, plain.stderr
    assert "NOTE" not in plain.stdout.partition("NOTES:")[2]
    assert notice not in plain.stdout


@pytest.mark.parametrize(
    ("option", "notice"),
    [
        ("page.port=9090", "NOTE: page.port: given, but page.enabled is false, so that nothing is made of it."),
        (
            "monitoring.podMonitor.interval=30s",
            "NOTE: monitoring.podMonitor.interval: given, but monitoring.podMonitor",
        ),
        (
            "monitoring.dashboard.labels.a=b",
            "NOTE: monitoring.dashboard.labels: given, but monitoring.dashboard.enabled",
        ),
        ("monitoring.prometheusRule.runbookBase=docs", "NOTE: monitoring.prometheusRule.runbookBase: given, but"),
    ],
)
@pytest.mark.parametrize("helm", ["helm4"], indirect=True)
def test_values_of_a_part_that_is_switched_off_are_named(helm: Helm, option: str, notice: str) -> None:
    install = ("install", "operator", str(CHARTS / "paddle-serving-operator"), "--dry-run=client")
    assert notice in helm.run(*install, "--set", option).stdout
    plain = helm.run(*install)
    assert plain.returncode == 0, plain.stderr
    assert "NOTE" not in plain.stdout.partition("NOTES:")[2]
