"""`kubectl paddle` and the operator together: orders are obeyed, records have what `undo` needs."""

import json
from pathlib import Path

import pytest

from .plugin import Plugin
from .world import World, digest, spec

pytestmark = pytest.mark.integration


def test_a_change_is_aborted_tried_again_waited_for_and_undone(world: World, plugin: Plugin, tmp_path: Path) -> None:
    world.kubelet[digest("a")] = "ready"
    rollout = {"drift": {"mode": "Ignore"}}
    world.create("ocr", spec("a", replicas=1, rollout=rollout))
    with world.operator(tmp_path / "operator"):
        assert plugin.run("wait", "ocr").startswith("ocr is Healthy. ")
        old = world.status("ocr")["stable"]["revision"]
        world.change("ocr", model=spec("b")["model"])
        world.until("a candidate is there", lambda: world.status("ocr").get("canary"))
        new = world.status("ocr")["canary"]["revision"]
        assert plugin.run("abort", "ocr").startswith(
            f"ocr: `abort` is obeyed for revision {new}. Revision {new} was stopped."
        )
        assert "Aborted" in plugin.finish(plugin.start("wait", "ocr"), code=3)[0]
        assert plugin.finish(plugin.start("pause", "ocr"), code=1)[0].startswith("ocr: `pause` does not fit: ")
        assert plugin.run("retry", "ocr").startswith(f"ocr: `retry` is obeyed for revision {new}. ")
        world.kubelet[digest("b")] = "ready"
        assert plugin.run("wait", "ocr").startswith("ocr is Healthy. ")
        records = json.loads(plugin.run("history", "ocr", "-o", "json"))
        assert [(record["number"], record["revision"], record["state"]) for record in records] == [
            (1, old, ""),
            (2, new, "serves"),
        ]
        assert plugin.run("diff", "ocr").splitlines() == [
            f"from 1 ({old}) to 2 ({new})",
            f"  model.digest: {digest('a')} becomes {digest('b')}",
        ]
        assert plugin.run("undo", "ocr").splitlines()[:2] == [
            f"ocr asks for revision 1 ({old}) again:",
            f"  model.digest: {digest('b')} becomes {digest('a')}",
        ]
        assert plugin.run("wait", "ocr").startswith("ocr is Healthy. ")
    assert world.status("ocr")["stable"]["revision"] == old
