"""What documents say to type with helm, typed at a real API server that has nothing of this project yet."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from paddle_serving_operator.constants import PADDLE_SERVICE, Kind
from release import charts
from release.push import Image, Pushed, values
from tools.documents import ROOT, command, commands
from tools.typed import Reader, typed

from .control_plane import ControlPlane, Object, RefusedError
from .reader import reader_of
from .world import digest

pytestmark = pytest.mark.integration

OPERATOR = "charts/paddle-serving-operator/README.md"
MODELS = "charts/paddle-serving/README.md"
NAME = "paddleservices.serving.paddlepaddle.org"
DEFINITION = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{NAME}"
DEPLOYMENT = Kind("apps/v1", "Deployment", "deployments")
NAMESPACE = "paddle-system"
IMAGES = {"image": "paddle-serving-operator:0.1.0", "profiles.cpu.image": "paddle-serving-runtime:0.1.0"}


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A control plane for these tests alone."""
    made = ControlPlane(tmp_path_factory.mktemp("bare"))
    try:
        made.start()
        yield made
    finally:
        made.stop()


@pytest.fixture
def bare(plane: ControlPlane, tmp_path: Path) -> ControlPlane:
    """It has no release and no definition of PaddleService."""
    (tmp_path / "before").mkdir()
    reader = reader_of(plane, "default", tmp_path / "before")
    for release in json.loads(typed("helm list --all-namespaces --output json", more=reader.variables)):
        typed(f"helm uninstall {release['name']} --namespace {release['namespace']}", more=reader.variables)
    typed(f"kubectl delete crd {NAME} --ignore-not-found --wait", more=reader.variables)
    return plane


@pytest.fixture
def reader(bare: ControlPlane, tmp_path: Path) -> Reader:
    """Somebody in a clone of the repository, who has pushed the images and opened a bundle."""
    for name in ("charts", "examples"):
        (tmp_path / name).symlink_to(ROOT / name)
    pushed = [
        Pushed(Image(reference, "", value, ""), f"registry.example.com/ml/{reference.partition(':')[0]}", digest("f"))
        for value, reference in IMAGES.items()
    ]
    for folder in ("build/push", "bundle/pushed", "bundle/charts"):
        (tmp_path / folder).mkdir(parents=True)
    for folder in ("build/push", "bundle/pushed"):
        (tmp_path / folder / "values.yaml").write_text(values("registry.example.com/ml", pushed))
    return reader_of(bare, "default", tmp_path)


def get(plane: ControlPlane, kind: Kind, name: str, namespace: str = NAMESPACE) -> Object:
    prefix = "/apis" if "/" in kind.api_version else "/api"
    return plane.request("get", f"{prefix}/{kind.api_version}/namespaces/{namespace}/{kind.plural}/{name}")


def image_of(plane: ControlPlane, release: str = "paddle-serving-operator", namespace: str = NAMESPACE) -> str:
    """The image of the operator that is installed."""
    found = get(plane, DEPLOYMENT, release, namespace)
    image: str = found["spec"]["template"]["spec"]["containers"][0]["image"]
    return image


def test_the_operator_is_installed_from_a_registry_and_from_a_bundle(
    bare: ControlPlane, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_digest = f"registry.example.com/ml/paddle-serving-operator@{digest('f')}"
    reader.types(
        command(
            "README.md",
            "helm upgrade --install paddle-serving-operator charts/paddle-serving-operator -n"
            " paddle-system --create-namespace -f build/push/values.yaml",
        )
    )
    assert image_of(bare) == by_digest
    monkeypatch.setenv("PATH", reader.variables["PATH"])  # where helm is
    for archive in charts.package(reader.folder / "packed"):
        archive.rename(reader.folder / "bundle" / "charts" / archive.name)
    bundle = command("docs/air-gapped.md", "helm upgrade --install")
    assert "REVISION: 2" in reader.types(bundle, folder=reader.folder / "bundle")
    assert image_of(bare) == by_digest
    assert "NAME" in reader.types(command("docs/alerts.md", "kubectl -n paddle-system get pods"))


def test_the_operator_is_upgraded_gets_a_page_and_is_removed(bare: ControlPlane, reader: Reader) -> None:
    reader.types(
        command(
            OPERATOR,
            "helm install paddle-serving-operator charts/paddle-serving-operator -n paddle-system --create-namespace",
        )
    )
    reader.types(command("docs/upgrading.md", "helm get values"))
    reader.types(command("docs/upgrading.md", "helm upgrade paddle-serving-operator"))
    applied = reader.types(command("docs/upgrading.md", "helm template"))
    assert "paddleservices.serving.paddlepaddle.org serverside-applied" in applied
    page = Kind("v1", "Service", "services")
    reader.types(command("docs/page.md", "helm upgrade --install"))
    assert get(bare, page, "paddle-serving-operator-page")["spec"]["ports"][0]["port"] == 8090
    reader.types(command(OPERATOR, "helm upgrade --install paddle-serving-operator"))

    reader.types(command("docs/upgrading.md", "helm uninstall paddle-serving-operator"))
    assert bare.request("get", DEFINITION), "the definition stays, and every service with it"
    reader.types(command(OPERATOR, "helm install models"))
    assert image_of(bare, "models-paddle-serving-operator", "models")


def test_everything_is_removed_models_included(bare: ControlPlane, reader: Reader) -> None:
    reader.types(
        command(
            OPERATOR,
            "helm install paddle-serving-operator charts/paddle-serving-operator -n"
            " paddle-system --create-namespace \\",
        )
    )
    found = get(bare, DEPLOYMENT, "paddle-serving-operator")["spec"]["template"]["spec"]
    assert found["imagePullSecrets"] == [{"name": "my-registry"}]
    assert image_of(bare) == "registry.example.com/ml/paddle-serving-operator:0.1.0"
    reader.types(command("README.md", "kubectl apply -f examples/ocr-rec.yaml"))
    reader.types(commands(OPERATOR, "kubectl delete paddleservices"))
    with pytest.raises(RefusedError):
        bare.request("get", DEFINITION)


def test_the_operator_is_installed_as_a_user_types_it(bare: ControlPlane, reader: Reader) -> None:
    reader.types(
        command(
            "README.md",
            "helm upgrade --install paddle-serving-operator charts/paddle-serving-operator -n"
            " paddle-system --create-namespace",
        )
    )
    assert image_of(bare) == "paddle-serving-operator:0.1.0"


def documented_values(letter: str) -> str:
    """my-values.yaml of the chart's README, with a digest."""
    text = (ROOT / MODELS).read_text(encoding="utf-8")
    (found,) = re.findall(r"^```yaml\n(# my-values.yaml\nmodel:\n.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return str(found).replace("sha256:...", digest(letter))


def test_a_model_is_installed_and_upgraded_by_its_chart(bare: ControlPlane, reader: Reader) -> None:
    reader.types(
        command(
            "README.md",
            "helm upgrade --install paddle-serving-operator charts/paddle-serving-operator -n"
            " paddle-system --create-namespace",
        )
    )
    (reader.folder / "my-values.yaml").write_text(documented_values("a"))
    reader.types(command(MODELS, "helm install ocr"))
    reader.types(
        command(MODELS, "helm upgrade ocr charts/paddle-serving -f my-values.yaml --set model"),
        {"sha256:...": digest("b")},
    )

    def model() -> Any:  # noqa: ANN401 - of an object
        return get(bare, PADDLE_SERVICE, "ocr", "default")["spec"]["model"]

    assert (model()["source"]["pvc"]["path"], model()["digest"]) == ("ocr-rec/v3", digest("b"))
    assert yaml.safe_load(documented_values("a"))["replicas"] == 2
