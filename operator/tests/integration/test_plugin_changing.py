"""What `kubectl paddle` changes, and how it waits for what comes of it, against a real API server."""

import json
import os
from pathlib import Path

import pytest

from paddle_serving_operator.constants import ANNOTATION_VERB, PADDLE_SERVICE

from .plugin import Plugin
from .scene import NAME, NEW, OLD, OLDEST, Scene, model, recorded
from .world import World, digest

pytestmark = pytest.mark.integration


@pytest.fixture
def scene(world: World) -> Scene:
    made = Scene(world)
    for number, revision in enumerate((OLDEST, OLD, NEW), start=1):
        made.record(number, revision)
    return made


def annotations(scene: Scene) -> dict[str, str]:
    found: dict[str, str] = scene.world.resource(NAME)["metadata"].get("annotations", {})
    return found


@pytest.mark.parametrize("verb", ["pause", "resume", "promote", "abort", "retry"])
def test_a_verb_waits_until_it_is_obeyed_and_says_what_came_of_it(scene: Scene, plugin: Plugin, verb: str) -> None:
    scene.shifting()
    asked: list[str] = []
    with scene.obeying(asked.append):
        printed = plugin.run(verb, NAME)
    assert asked == [verb]
    assert printed.startswith(f"{NAME}: `{verb}` is obeyed for revision {NEW}. Revision {NEW} is in step 1 of 2: 20%")


def test_a_verb_that_the_operator_refuses_fails_with_its_words(scene: Scene, plugin: Plugin) -> None:
    scene.healthy()
    with scene.obeying():
        printed, said = plugin.finish(plugin.start("promote", NAME), code=1)
        assert printed.startswith(f"{NAME}: `promote` does not fit: no revision is being rolled out.")
        assert said.startswith(f"error: {NAME} did not obey.")
        answer = json.loads(plugin.finish(plugin.start("promote", NAME, "-o", "json"), code=1)[0])
    assert (answer["heard"], answer["refused"]) == (True, True)


def test_a_verb_keeps_other_annotations_and_has_a_token_of_its_own(scene: Scene, plugin: Plugin) -> None:
    scene.annotate("team", "ocr")
    orders = []
    for _ in range(2):
        assert plugin.run("pause", NAME, "--no-wait") == f"{NAME}: `pause` is asked for.\n"
        assert annotations(scene)["team"] == "ocr"
        orders.append(annotations(scene)[ANNOTATION_VERB])
    assert [order.partition(" ")[0] for order in orders] == ["pause", "pause"]
    assert len(set(orders)) == 2


def test_a_verb_without_an_operator_says_so_when_the_time_is_up(scene: Scene, plugin: Plugin) -> None:
    scene.shifting()
    said = plugin.run("pause", NAME, "--timeout", "2s", code=4)
    assert said.startswith("error: No operator has obeyed within 2s: none is running")
    assert "The order stays" in said


def test_a_verb_that_another_one_replaced_is_told(scene: Scene, plugin: Plugin) -> None:
    scene.shifting()
    process = plugin.start("pause", NAME, "--timeout", "60s")
    scene.world.until("the verb is there", lambda: ANNOTATION_VERB in annotations(scene))
    scene.annotate(ANNOTATION_VERB, "abort somebody")
    said = plugin.finish(process, code=1)[1]
    assert "Another order came in between, 'abort somebody'" in said


def test_undo_goes_back_to_the_revision_that_serves_and_keeps_what_makes_none(scene: Scene, plugin: Plugin) -> None:
    scene.shifting()
    before = scene.world.resource(NAME)["spec"]
    printed = plugin.run("undo", NAME)
    assert printed.splitlines() == [
        f"{NAME} asks for revision 2 ({OLD}) again:",
        f"  model.digest: {digest('c')} becomes {digest('b')}",
        "  model.source.pvc.path: ocr-rec/c becomes ocr-rec/b",
        "  engine.workers: 4 becomes 2",
        f"It is proved before it gets traffic; follow it with `kubectl paddle watch {NAME}`.",
    ]
    after = scene.world.resource(NAME)["spec"]
    assert (after["model"], after["engine"]["workers"]) == (model(OLD), 2)
    assert (after["replicas"], after["rollout"]) == (before["replicas"], before["rollout"])


def test_undo_of_the_newest_goes_to_the_one_before_and_to_any_by_number(scene: Scene, plugin: Plugin) -> None:
    scene.healthy()
    assert plugin.run("undo", NAME).startswith(f"{NAME} asks for revision 2 ({OLD}) again:")
    assert plugin.run("undo", NAME, "--to-revision", "1").startswith(f"{NAME} asks for revision 1 ({OLDEST}) again:")
    assert scene.world.resource(NAME)["spec"]["model"] == model(OLDEST)
    printed = plugin.run("undo", NAME, "--to-revision", "1")
    assert printed == f"{NAME} asks for revision 1 ({OLDEST}) already. Nothing to change.\n"


def test_undo_takes_away_what_the_record_does_not_have(scene: Scene, plugin: Plugin) -> None:
    scene.healthy()
    scene.world.change(NAME, image="other:2", pod={"labels": {"team": "ocr"}})
    printed = plugin.run("undo", NAME, "--to-revision", "2")
    assert "  image: other:2 is removed" in printed
    assert "  pod.labels.team: ocr is removed" in printed
    assert "image" not in scene.world.resource(NAME)["spec"]


def test_a_dry_run_changes_nothing_and_asks_the_api_server(scene: Scene, plugin: Plugin) -> None:
    scene.healthy()
    before = scene.world.resource(NAME)
    assert plugin.run("undo", NAME, "--dry-run").startswith(f"{NAME} would ask for revision 2 ({OLD}) again:")
    assert scene.world.resource(NAME) == before
    bad = recorded(OLD) | {"model": {"digest": "sha256:short", "source": model(OLD)["source"]}}
    scene.replace_record(2, OLD, bad)
    said = plugin.run("undo", NAME, "--dry-run", code=1)
    assert "spec.model.digest" in said


def test_undo_refuses_a_record_without_a_spec_and_says_what_is_known(scene: Scene, plugin: Plugin) -> None:
    scene.healthy()
    scene.replace_record(2, OLD, None)
    said = plugin.run("undo", NAME, code=1)
    assert "did not keep the spec. Apply the manifest that it was made of again" in said
    assert digest("b") in said


def test_undo_minds_who_owns_the_spec(scene: Scene, plugin: Plugin) -> None:
    scene.healthy()
    scene.annotate("argocd.argoproj.io/tracking-id", "shop:ocr")
    said = plugin.run("undo", NAME, code=1)
    assert said.startswith(f"error: Argo CD (shop:ocr) owns the spec of {NAME} and would put its own back.")
    assert scene.world.resource(NAME)["spec"]["model"] == model(NEW)
    assert plugin.run("undo", NAME, "--force").startswith(f"{NAME} asks for revision 2 ({OLD}) again:")
    scene.annotate("argocd.argoproj.io/tracking-id", None)
    scene.annotate("meta.helm.sh/release-name", "ocr")
    printed, said = plugin.finish(plugin.start("undo", NAME, "--to-revision", "3"))
    assert printed.startswith(f"{NAME} asks for revision 3")
    assert said == "Helm (ocr) wrote this spec: change its values, too, or its next upgrade undoes this undo.\n"


def test_wait_ends_with_the_outcome_of_the_newest_spec(scene: Scene, plugin: Plugin) -> None:
    scene.healthy()
    assert plugin.run("wait", NAME) == f"{NAME} is Healthy. RolledOut: Revision {NEW} has all traffic.\n"
    scene.world.change(NAME, engine={"workers": 8})
    process = plugin.start("wait", NAME, "-o", "json")
    scene.stopped()
    printed, said = plugin.finish(process, code=3)
    assert json.loads(printed)["phase"] == "Failed"
    assert said == f"error: The newest spec of {NAME} does not serve. `kubectl paddle describe {NAME}` says more.\n"


def test_wait_takes_no_status_of_an_earlier_spec_and_says_what_it_last_saw(scene: Scene, plugin: Plugin) -> None:
    scene.healthy()
    scene.world.change(NAME, engine={"workers": 8})
    said = plugin.run("wait", NAME, "--timeout", "2s", code=4)
    assert said.startswith(f"error: {NAME} is not Healthy after 2s. The operator has not looked at generation 2")


def test_wait_says_what_holds_the_rollout(scene: Scene, plugin: Plugin) -> None:
    scene.shifting(step=1)
    said = plugin.run("wait", NAME, "--timeout", "2s", code=4)
    assert said.startswith(f"{NAME} is held in step 2 of 2: 50%. `kubectl paddle resume {NAME}` lets it go on.\n")


def test_wait_tells_that_the_service_was_deleted(scene: Scene, plugin: Plugin) -> None:
    scene.shifting()
    process = plugin.start("wait", NAME, "--timeout", "60s")
    scene.world.delete(PADDLE_SERVICE, NAME)
    said = plugin.finish(process, code=1)[1]
    assert said.startswith("error: ")
    assert NAME in said


def test_an_undo_of_somebody_elses_change_in_the_same_moment_is_a_conflict(
    scene: Scene, plugin: Plugin, tmp_path: Path
) -> None:
    """A kubectl that changes the spec before it writes: the plugin must not overwrite that."""
    scene.healthy()
    real = plugin.environment["PATH"]
    other = plugin.command("undo", NAME, "--to-revision", "1")
    folder = tmp_path / "bin"
    folder.mkdir()
    slow = folder / "kubectl"
    command = " ".join(f"'{word}'" for word in other)
    slow.write_text(f'#!/bin/sh\nexport PATH="{real}"\n[ "$1" = replace ] && {command} >/dev/null\nexec kubectl "$@"\n')
    slow.chmod(0o755)
    plugin.environment["PATH"] = f"{folder}{os.pathsep}{real}"
    said = plugin.run("undo", NAME, code=1)
    assert "Somebody changed it in the same moment" in said
    assert scene.world.resource(NAME)["spec"]["model"] == model(OLDEST)
