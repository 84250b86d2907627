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
