"""What documents say to type at a cluster, typed at a real API server, with the operator as a process."""

import base64
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from paddle_serving_operator.constants import CONFIG_MAP, PADDLE_SERVICE, SERVICE, Kind
from paddle_serving_operator.desired.arguments import ACCOUNT_KEY
from release import plugin as release_plugin
from release.push import Image, Pushed, with_reference
from tools.documents import ROOT, Block, command, commands, each, none_executed
from tools.typed import Reader, typed

from .control_plane import Object, find_program
from .reader import reader_of
from .world import World, digest, spec

pytestmark = pytest.mark.integration

NAME = "ocr-rec"
FULL_NAME = "paddleservice.serving.paddlepaddle.org"
SECRET = Kind("v1", "Secret", "secrets")
README = "README.md"
APPLY = each("examples/*/README.md", "kubectl apply -f examples/")
WAIT = each("examples/*/README.md", "kubectl wait --for=condition=Healthy")
FORWARD = none_executed(
    "examples/*/README.md", "kubectl port-forward", because="no node is here; e2e forwards a port as README.md says"
)


@pytest.fixture
def reader(world: World, tmp_path: Path) -> Reader:
    return reader_of(world.plane, world.namespace, tmp_path)


@pytest.fixture
def served(world: World, tmp_path: Path) -> Iterator[World]:
    """The operator is there, and so are the pods of the models a and b."""
    world.kubelet |= {digest("a"): "ready", digest("b"): "ready"}
    with world.operator(tmp_path / "operator"):
        yield world


def test_the_programs_of_a_control_plane_are_there_once_make_has_provided_them() -> None:
    typed(command("operator/README.md", "make cluster-tools").text)
    assert find_program("kube-apiserver").is_file()


def resource(letter: str) -> Object:
    return {
        "apiVersion": PADDLE_SERVICE.api_version,
        "kind": PADDLE_SERVICE.kind,
        "metadata": {"name": NAME},
        "spec": spec(letter),
    }


def test_a_service_is_applied_waited_for_looked_at_and_removed(served: World, reader: Reader) -> None:
    (reader.folder / "ocr-rec.yaml").write_text(yaml.safe_dump(resource("a")))
    reader.types(command("docs/migration.md", "kubectl apply -f ocr-rec.yaml"))
    named = {"NAME": NAME}
    waited = reader.types(commands("docs/troubleshooting.md", "kubectl wait paddleservice/NAME"), named)
    assert waited.splitlines() == [f"paddleservice.serving.paddlepaddle.org/{NAME} condition met"] * 3
    seen = reader.types(commands("docs/troubleshooting.md", "kubectl get paddleservices"), named)
    assert "RolledOut" in seen
    assert "Revisions:" in seen
    assert "Healthy" in reader.types(commands("docs/alerts.md", "PaddleServingServiceDown"), named)
    assert NAME in reader.types(commands("docs/alerts.md", "PaddleServiceFailed"))
    pod = served.pods()[0]["metadata"]["name"]
    assert "Containers:" in reader.types(command("docs/alerts.md", "kubectl describe pod POD"), {"POD": pod})
    assert NAME in reader.types(command("docs/upgrading.md", "kubectl get paddleservices -A"))

    reader.types(commands("docs/upgrading.md", "kubectl delete paddleservice ocr-rec"))
    served.until("nothing is left of it", lambda: not served.every(PADDLE_SERVICE) and not served.deployments())


@pytest.mark.parametrize("document", sorted(APPLY))
def test_an_example_is_applied(reader: Reader, document: str) -> None:
    (reader.folder / "examples").symlink_to(ROOT / "examples")
    assert reader.types(APPLY[document]) == f"{FULL_NAME}/{Path(document).parent.name} created\n"


@pytest.mark.parametrize(("document", "wait"), WAIT.items(), ids=list(WAIT))
def test_an_example_is_waited_for_and_its_address_is_there(
    world: World, reader: Reader, tmp_path: Path, document: str, wait: Block
) -> None:
    (reader.folder / "examples").symlink_to(ROOT / "examples")
    name = Path(document).parent.name
    example = yaml.safe_load((ROOT / f"examples/{name}.yaml").read_text(encoding="utf-8"))
    world.kubelet[example["spec"]["model"]["digest"]] = "ready"
    with world.operator(tmp_path / "operator"):
        reader.types(APPLY[document])
        assert reader.types(wait) == f"{FULL_NAME}/{name} condition met\n"
    (_, _, service, ports, _) = FORWARD[document].text.split()
    found = world.get(SERVICE, service.removeprefix("svc/"))
    assert int(ports.partition(":")[2]) in [port["port"] for port in found["spec"]["ports"]]


def test_a_new_package_is_asked_for_and_followed(served: World, reader: Reader) -> None:
    (reader.folder / "ocr-rec.yaml").write_text(yaml.safe_dump(resource("a")))
    reader.types(command("docs/migration.md", "kubectl apply -f ocr-rec.yaml"))
    old = served.healthy(NAME)
    reader.types(
        command("docs/upgrading.md", "kubectl patch paddleservice ocr-rec"),
        {
            "sha256:...": digest("b"),
            '"source": {"image"': '"source": {"configMap": null, "image"',
        },
    )
    watched = reader.types(command("docs/upgrading.md", "kubectl paddle watch"), {NAME: f"{NAME} --until-done"})
    assert "Healthy" in watched
    assert served.healthy(NAME) != old
    image = served.resource(NAME)["spec"]["model"]["source"]["image"]
    assert image["reference"] == "registry.example.com/models/ocr-rec:v2"


def test_what_was_pushed_is_applied_and_waited_for(served: World, reader: Reader) -> None:
    example = (ROOT / "examples" / "ocr-rec.yaml").read_text()
    served.kubelet[yaml.safe_load(example)["spec"]["model"]["digest"]] = "ready"
    image = Image("paddle-serving-example-ocr-rec:0.1.0", "", "", "examples/ocr-rec.yaml")
    pushed = Pushed(image, "registry.example.com/ml/paddle-serving-example-ocr-rec", digest("c"))
    for folder in ("build/push", "pushed"):
        (reader.folder / folder).mkdir(parents=True)
        (reader.folder / folder / "ocr-rec.yaml").write_text(with_reference(example, pushed))
    reader.types(command(README, "kubectl apply -f build/push/ocr-rec.yaml"))
    reader.types(command(README, "kubectl wait --for=condition=Healthy"))
    assert "unchanged" in reader.types(command("docs/air-gapped.md", "kubectl apply --filename pushed/ocr-rec.yaml"))

    release_plugin.build(reader.folder / "kubectl-paddle")
    (reader.folder / ".local" / "bin").mkdir(parents=True)
    assert "Healthy" in reader.types(command("docs/air-gapped.md", "install kubectl-paddle"))
    assert (reader.folder / ".local" / "bin" / "kubectl-paddle").stat().st_mode & 0o111


def test_secrets_have_the_keys_that_a_service_asks_for(world: World, reader: Reader) -> None:
    for name in ("tls.crt", "tls.key", "keys.txt", "ed25519.pem", "ca.crt", "KEY.json"):
        (reader.folder / name).write_text(f"{name}\n")
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=ocr", "-days", "1"]
    subprocess.run(
        [*request, "-keyout", "tls.key", "-out", "tls.crt"], cwd=reader.folder, check=True, capture_output=True
    )
    reader.types(commands("docs/security.md", "kubectl create secret tls"))
    reader.types(command("docs/evidence.md", "kubectl create secret generic reports"))
    reader.types(command("docs/model-package.md", "kubectl create secret generic models-reader"))
    reader.types(command("docs/model-package.md", "kubectl create configmap models-ca"))
    reader.types(command("docs/model-package.md", "kubectl create secret generic hub-reader"))
    reader.types(command("docs/model-package.md", "kubectl create secret generic google-reader"))
    reader.types(command("docs/model-package.md", "kubectl create secret generic alibaba-reader"))
    made = {item["metadata"]["name"]: sorted(item["data"]) for item in (*world.every(SECRET), *world.every(CONFIG_MAP))}
    assert made == made | {
        "ocr-certificate": ["tls.crt", "tls.key"],
        "ocr-keys": ["api-keys"],
        "reports": ["ed25519.pem"],
        "models-reader": ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"],
        "models-ca": ["ca.crt"],
        "hub-reader": ["HTTP_TOKEN"],
        "google-reader": [ACCOUNT_KEY],
        "alibaba-reader": ["OSS_ACCESS_KEY_ID", "OSS_ACCESS_KEY_SECRET"],
    }


def test_a_config_map_has_a_key_for_each_file_of_a_package(world: World, reader: Reader) -> None:
    package = ROOT / "examples" / "uci-housing"
    reader.types(commands("docs/model-package.md", "cd PACKAGE && find"), {"PACKAGE": str(package)})
    made = world.get(CONFIG_MAP, "house-v1")
    files = {key: text.encode() for key, text in made.get("data", {}).items()}
    files |= {key: base64.b64decode(text) for key, text in made.get("binaryData", {}).items()}
    paths = [path for path in package.rglob("*") if path.is_file()]
    assert files == {path.relative_to(package).as_posix().replace("/", "__"): path.read_bytes() for path in paths}
