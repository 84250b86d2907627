"""What `kubectl paddle` shows, against a real API server; and what it says where it cannot."""

import json
import os
import subprocess
from pathlib import Path

import pytest
import yaml

from e2e.ports import free_ports
from paddle_serving_operator.constants import PADDLE_SERVICE
from paddle_serving_operator.plugin.problems import Cause, kubectl_error

from .control_plane import ControlPlane, find_program
from .plugin import SECONDS, Plugin
from .scene import IMAGE, NAME, NEW, OLD, OLDEST, Scene
from .world import World, digest, spec

pytestmark = pytest.mark.integration


def row(text: str, start: str) -> list[str]:
    """The cells of the line that starts so."""
    return next(line for line in text.splitlines() if line.strip().startswith(start)).split()


def test_get_has_a_line_for_each_service_and_more_when_wide(world: World, plugin: Plugin) -> None:
    Scene(world).shifting()
    world.create("new", spec("d"))
    printed = plugin.run("get")
    assert row(printed, "NAME") == ["NAME", "READY", "PHASE", "STEP", "WEIGHT", "REVISION", "CONSISTENT", "AGE"]
    assert row(printed, NAME)[:-1] == [NAME, "True", "Progressing", "1/2", "20%", OLD, "Recorded"]
    assert row(printed, "new")[:-1] == ["new", "-", "Pending", "-", "-", "-", "-"]
    wide = row(plugin.run("get", NAME, "-o", "wide"), NAME)
    assert wide[-4:] == ["2/2", "sha256:bbbbbbbbbbbb…", IMAGE, f"http://{NAME}.{world.namespace}.svc"]


def test_get_of_all_namespaces_names_them_and_prints_objects_as_json_and_yaml(world: World, plugin: Plugin) -> None:
    Scene(world)
    assert row(plugin.run("get", "-A"), world.namespace)[1] == NAME
    listed = json.loads(plugin.run("get", "-o", "json"))
    assert [item["kind"] for item in listed["items"]] == [PADDLE_SERVICE.kind]
    assert yaml.safe_load(plugin.run("get", NAME, "-o", "yaml"))["metadata"]["name"] == NAME


def test_get_without_any_service_says_so(world: World, plugin: Plugin) -> None:
    printed, said = plugin.finish(plugin.start("get"))
    assert (printed, said) == ("", f'There is no PaddleService in namespace "{world.namespace}".\n')


def test_describe_says_which_tensor_differed_and_what_everybody_does(world: World, plugin: Plugin) -> None:
    scene = Scene(world)
    scene.everything()
    scene.stopped()
    printed = plugin.run("describe", NAME)
    assert f"Now:         DriftTooLarge: 1 of 3 answers of revision {NEW} differ" in printed
    assert row(printed, "stable")[:6] == ["stable", "2", OLD, "100%", "2", "2"]
    assert row(printed, "hello.json")[2:] == ["[0,", "17]", "0.9992426", "0.4871093", "0.512", "0.513"]
    assert row(printed, f"{NAME}-{OLD}-x2k4p")[1:5] == [OLD, "yes", "Running", "0"]
    assert "RolloutStarted" in printed
    body = json.loads(plugin.run("describe", NAME, "-o", "json"))
    assert body["rollout"]["stage"] == "Halted"
    assert [(pod["revision"], pod["ready"]) for pod in body["pods"]] == [(NEW, True), (OLD, True), (OLD, True)]


def test_history_and_diff_speak_in_words_of_the_spec(world: World, plugin: Plugin) -> None:
    scene = Scene(world)
    for number, revision in enumerate((OLDEST, OLD, NEW), start=1):
        scene.record(number, revision)
    scene.shifting()
    printed = plugin.run("history", NAME)
    assert row(printed, "2")[:2] == ["2", OLD]
    assert row(printed, "3")[-3:] == ["model.digest,", "model.source.pvc.path,", "engine.workers"]
    assert "being rolled out" in printed
    assert yaml.safe_load(plugin.run("history", NAME, "--revision", "1"))["model"]["digest"] == digest("a")
    assert plugin.run("diff", NAME).splitlines() == [
        f"from 2 ({OLD}) to 3 ({NEW})",
        f"  model.digest: {digest('b')} becomes {digest('c')}",
        "  model.source.pvc.path: ocr-rec/b becomes ocr-rec/c",
        "  engine.workers: 2 becomes 4",
    ]
    assert plugin.run("diff", NAME, "--from", "1", "--to", OLD[:4]).startswith(f"from 1 ({OLDEST}) to 2 ({OLD})\n")
    said = plugin.run("diff", NAME, "--to", "9", code=1)
    assert said == f"error: {NAME} has no revision 9 on record. There is 1 ({OLDEST}), 2 ({OLD}), 3 ({NEW}).\n"


def test_digest_names_the_models_that_answer_and_what_they_proved(world: World, plugin: Plugin) -> None:
    scene = Scene(world)
    scene.shifting()
    printed = plugin.run("digest")
    assert [line.split()[2:] for line in printed.splitlines()[1:]] == [
        [OLD, "80%", "2", "-", digest("b")],
        [NEW, "20%", "1", "Recorded", digest("c")],
    ]
    scene.healthy()
    assert [item["modelDigest"] for item in json.loads(plugin.run("digest", NAME, "-o", "json"))] == [digest("c")]


def test_report_prints_tensors_and_gives_the_file_to_the_byte(world: World, plugin: Plugin) -> None:
    scene = Scene(world)
    scene.record(2, OLD)
    scene.record(3, NEW)
    scene.shifting()
    said = plugin.run("report", NAME, code=1)
    assert f"There is no report of revision {NEW} yet" in said
    text = scene.report(NEW)
    printed = plugin.run("report", NAME)
    assert row(printed, "hello.json   score    recorded")[3:] == ["40", "1.2e-07", "3.4e-06", "yes"]
    assert "0.4871093" in printed
    assert plugin.run("report", NAME, "-o", "json") == f"{text}\n"
    said = plugin.run("report", NAME, "--revision", "2", code=1)
    assert f"There are reports of {NEW}; choose one with --revision." in said


def test_a_name_that_is_not_there_gets_names_that_are_near(world: World, plugin: Plugin) -> None:
    Scene(world)
    said = plugin.run("describe", "ocr-red", code=1)
    assert said == (f'error: There is no PaddleService "ocr-red" in namespace "{world.namespace}". There is {NAME}.\n')


def test_without_an_api_server_it_says_what_was_asked_and_what_to_do(plugin: Plugin) -> None:
    said = plugin.run("get", "--kubeconfig", nobody(plugin), code=1)
    assert "refused" in said
    assert "choose another with --context" in said


def nobody(plugin: Plugin) -> str:
    """A kubeconfig of a server that is not there."""
    config = yaml.safe_load(plugin.world.plane.kubeconfig.read_text())
    config["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{free_ports(1)[0]}"
    path = Path(plugin.environment["HOME"]) / "nobody"
    path.write_text(yaml.safe_dump(config))
    return str(path)


def test_without_the_definition_it_says_how_to_install_it(plugin: Plugin) -> None:
    command = ["kubectl", "get", "--raw", "/apis/serving.example.org/v1alpha1/paddleservices"]
    done = subprocess.run(command, env=plugin.environment, capture_output=True, text=True, timeout=SECONDS, check=False)
    found = kubectl_error(done.stderr)
    assert found.cause is Cause.NO_KIND
    assert str(found).startswith("This cluster does not know PaddleService. Install the operator: helm install")


def test_an_account_without_rights_is_told_which_one_it_needs(
    control_plane: ControlPlane, world: World, tmp_path: Path
) -> None:
    said = Plugin(world, tmp_path, control_plane.restricted).run("get", code=1)
    assert 'User "operator" cannot list resource "paddleservices"' in said
    assert "Ask whoever runs the cluster" in said


def test_an_unknown_context_or_command_is_told(plugin: Plugin) -> None:
    assert 'context "nowhere" does not exist' in plugin.run("get", "--context", "nowhere", code=1)
    assert "No such command 'gett'" in plugin.run("gett", code=2)


def test_without_kubectl_it_says_where_to_get_it(plugin: Plugin, tmp_path: Path) -> None:
    plugin.environment["PATH"] = str(tmp_path)
    assert "kubectl cannot be started: No such file or directory. Install it" in plugin.run("get", code=1)


def test_kubectl_finds_the_plugin_and_completes_its_words(world: World, plugin: Plugin) -> None:
    scene = Scene(world)
    scene.shifting()
    scene.record(2, OLD)
    kubectl = str(find_program("kubectl"))

    def completed(*words: str) -> list[str]:
        command = [kubectl, "__complete", "paddle", *words]
        done = subprocess.run(
            command, env=plugin.environment, capture_output=True, text=True, check=True, timeout=SECONDS
        )
        return [line for line in done.stdout.splitlines() if not line.startswith(":")]

    listed = subprocess.run(
        [kubectl, "paddle", "get", "-n", world.namespace],
        env=plugin.environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=SECONDS,
    )
    assert row(listed.stdout, NAME)[0] == NAME
    assert "describe\tShow everything about one service." in completed("")
    assert completed("describe", "-n", world.namespace, "o") == [f"{NAME}\tProgressing"]
    assert completed("describe", "-n", world.namespace, NAME, "-o", "") == ["json", "yaml"]
    assert completed("undo", "-n", world.namespace, NAME, "--to-revision", "") == ["2\tsha256:bbbbbbbbbbbb…"]
    assert world.namespace in completed("get", "-n", world.namespace[:3])
    assert completed("get", "--kubeconfig", os.devnull, "") == []
