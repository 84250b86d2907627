"""Model images that are mounted as they are, where the cluster can."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol, cast

import pytest
from kubernetes import client

from paddle_serving_operator.api.types import ServiceSpec
from paddle_serving_operator.constants import DEPLOYMENT, Kind, Manifest
from paddle_serving_operator.desired import objects
from paddle_serving_operator.desired.revision import revision_of
from paddle_serving_operator.kube.cluster import Cluster
from paddle_serving_operator.kube.errors import Forbidden, Invalid, KubeError, Unavailable
from paddle_serving_operator.reconcile.image_volumes import ImageVolumes
from paddle_serving_operator.settings import Profile


class Golden(Protocol):
    def check(self, name: str, manifest: Manifest) -> None: ...


MakeSpec = Callable[..., ServiceSpec]
Profiles = Mapping[str, Profile]
IMAGE = {"image": {"reference": "registry/ocr@sha256:" + "5" * 64, "path": "/model", "pullPolicy": "Always"}}
SOURCES: list[Mapping[str, Any]] = [
    {"pvc": {"claimName": "m"}},
    {"http": {"url": "https://m/a.zip"}},
    {"s3": {"uri": "s3://models/a"}},
    {"configMap": {"name": "m"}},
]


def spec_of(source: Mapping[str, Any], make_spec: MakeSpec) -> ServiceSpec:
    return make_spec(model={"source": {"pvc": None, **source}})


class Server:
    """An API server that keeps image volumes, drops them, or refuses to say."""

    def __init__(self, answers: Sequence[bool | KubeError] = ()) -> None:
        self._answers = [*answers]
        self.asked: list[str] = []

    def dry_run(self, kind: Kind, namespace: str, manifest: Manifest) -> Manifest:
        assert kind == DEPLOYMENT
        self.asked.append(namespace)
        answer = self._answers.pop(0)
        if isinstance(answer, KubeError):
            raise answer
        if not answer:
            del manifest["spec"]["template"]["spec"]["volumes"]
        return manifest

    def mounts(self, known: ImageVolumes, spec: ServiceSpec, profile: Profile, namespace: str = "models") -> bool:
        return known.within_reach(cast("Cluster", self), namespace, spec, profile).image_volumes


@pytest.fixture
def auto(profiles: Profiles) -> Profile:
    return replace(profiles["cpu"], image_volumes=True)


def test_a_mounted_image_is_served_from_where_it_is(golden: Golden, make_spec: MakeSpec, auto: Profile) -> None:
    revision = revision_of("ocr", spec_of(IMAGE, make_spec), auto)
    built = objects.deployment("ocr", revision, 1)
    golden.check("deployment-image-mounted.yaml", built)
    client.V1Deployment.model_validate(built)


def test_a_copied_image_is_fetched(golden: Golden, make_spec: MakeSpec, profiles: Profiles) -> None:
    built = objects.deployment("ocr", revision_of("ocr", spec_of(IMAGE, make_spec), profiles["cpu"]), 1)
    golden.check("deployment-image-copied.yaml", built)
    client.V1Deployment.model_validate(built)


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: next(iter(source)))
def test_other_sources_make_the_pod_that_they_made_before(
    source: Mapping[str, Any], make_spec: MakeSpec, profiles: Profiles, auto: Profile
) -> None:
    spec = spec_of(source, make_spec)
    assert revision_of("ocr", spec, auto) == revision_of("ocr", spec, profiles["cpu"])
    assert Server().mounts(ImageVolumes(), spec, auto), "nobody needs to be asked"


def test_a_profile_without_image_volumes_asks_nobody(make_spec: MakeSpec, profiles: Profiles) -> None:
    assert not Server().mounts(ImageVolumes(), spec_of(IMAGE, make_spec), profiles["cpu"])


@pytest.mark.parametrize("kept", [True, False])
def test_the_api_server_is_asked_once_for_each_namespace(make_spec: MakeSpec, auto: Profile, *, kept: bool) -> None:
    spec, known, server = spec_of(IMAGE, make_spec), ImageVolumes(), Server([kept, not kept])
    assert [server.mounts(known, spec, auto) for _ in range(3)] == [kept] * 3
    assert server.mounts(known, spec, auto, "others") is not kept
    assert server.asked == ["models", "others"]


@pytest.mark.parametrize("refusal", [Forbidden("a policy"), Invalid("must specify a volume type")])
def test_where_the_question_is_refused_the_image_is_copied(
    make_spec: MakeSpec, auto: Profile, refusal: KubeError, caplog: pytest.LogCaptureFixture
) -> None:
    spec, known, server = spec_of(IMAGE, make_spec), ImageVolumes(), Server([refusal])
    assert [server.mounts(known, spec, auto) for _ in range(2)] == [False, False]
    assert str(refusal) in caplog.text


def test_an_api_server_that_is_away_is_asked_again(make_spec: MakeSpec, auto: Profile) -> None:
    spec, known, server = spec_of(IMAGE, make_spec), ImageVolumes(), Server([Unavailable("503"), True])
    with pytest.raises(Unavailable):
        server.mounts(known, spec, auto)
    assert server.mounts(known, spec, auto)
