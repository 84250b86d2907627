"""What the API server itself makes of a PaddleService, by the definition that the chart installs."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from paddle_serving_operator.constants import PADDLE_SERVICE

from .control_plane import RefusedError
from .world import World, digest, spec

pytestmark = pytest.mark.integration

EXAMPLES = sorted((Path(__file__).parents[3] / "examples").glob("*.yaml"))


def refusal(world: World, name: str, wrong: dict[str, Any]) -> str:
    with pytest.raises(RefusedError) as refused:
        world.create(name, wrong)
    assert refused.value.status in {400, 422}, refused.value
    return str(refused.value)


def test_the_shortest_spec_is_completed_with_the_defaults(world: World) -> None:
    short = {"model": {"digest": digest("a"), "source": {"pvc": {"claimName": "models"}}}}
    created = world.create("ocr", short)["spec"]
    assert created == {
        "runtime": "cpu",
        "replicas": 1,
        "model": {"digest": digest("a"), "source": {"pvc": {"claimName": "models", "path": ""}}},
        "engine": {
            "backend": "Default",
            "mode": "direct",
            "legacyStatus": False,
            "standby": True,
            "threadsPerWorker": 1,
            "irOptim": True,
            "oneDNN": True,
            "allocator": "tcmalloc",
        },
        "consistency": {"mode": "Exact", "require": "Auto", "required": True},
        "rollout": {
            "strategy": "BlueGreen",
            "autoRollback": True,
            "maxSurge": "25%",
            "maxUnavailable": 0,
            "progressDeadline": "10m",
            "revisionHistoryLimit": 10,
            "paused": False,
        },
        "traffic": {"mode": "ReplicaRatio"},
        "disruption": {"enabled": True, "maxUnavailable": 1},
        "drain": {"delay": "5s", "timeout": "20s"},
        "security": {},
        "pod": {},
    }


def test_every_field_is_accepted(world: World) -> None:
    full = spec(
        runtime="gpu",
        image="my/runtime:2",
        resources={"limits": {"cpu": 2, "memory": "16Gi", "nvidia.com/gpu": 1}, "requests": {"cpu": "500m"}},
        engine={
            "mode": "pipeline",
            "legacyStatus": True,
            "standby": False,
            "allocator": "system",
            "workers": 2,
            "overrides": {"op.rec.concurrency": "1"},
            "script": "web_service_det.py --config=det.yml",
        },
        consistency={
            "mode": "Tolerance",
            "rtol": 0.001,
            "require": "Recorded",
            "recheckInterval": "10m",
            "signingKeySecret": "report-key",
        },
        disruption={"maxUnavailable": "25%"},
        security={"tlsSecret": "certificate", "apiKeySecret": "keys"},
        pod={
            "nodeSelector": {"disk": "ssd"},
            "tolerations": [{"key": "k", "operator": "Exists", "effect": "NoSchedule"}],
            "affinity": {"nodeAffinity": {"anything": {"the": "server", "checks": "later"}}},
            "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}],
            "imagePullSecrets": [{"name": "registry"}],
            "env": [{"name": "A", "value": "$(B)"}],
            "serviceAccount": {"annotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/models"}},
        },
    )
    assert world.create("ocr", full)["spec"]["pod"]["affinity"]["nodeAffinity"]["anything"]["checks"] == "later"


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_the_examples_are_accepted(world: World, example: Path) -> None:
    documents = [item for item in yaml.safe_load_all(example.read_text(encoding="utf-8")) if item]
    resources = [item for item in documents if item.get("kind") == "PaddleService"]
    for resource in resources:
        world.create(resource["metadata"]["name"], resource["spec"])


MISSPELT = [
    ({"replica": 2}, 'unknown field "spec.replica"'),
    ({"engine": {"worker": 2}}, 'unknown field "spec.engine.worker"'),
    ({"rollout": {"progressDeadlineSeconds": 5}}, 'unknown field "spec.rollout.progressDeadlineSeconds"'),
    ({"pod": {"env": [{"name": "A", "value": "b", "valueFrom": {}}]}}, 'unknown field "spec.pod.env[0].valueFrom"'),
]


@pytest.mark.parametrize(("fields", "sentence"), MISSPELT)
def test_a_misspelt_field_is_refused_with_its_path(world: World, fields: dict[str, Any], sentence: str) -> None:
    assert sentence in refusal(world, "ocr", spec(**fields))


CONTRADICTIONS: list[tuple[dict[str, Any], str]] = [
    ({"consistency": {"rtol": 0.1}}, "rtol and atol belong to mode Tolerance; remove them or change the mode"),
    ({"consistency": {"mode": "Tolerance"}}, "mode Tolerance needs rtol, atol or both"),
    (
        {"disruption": {"enabled": False, "maxUnavailable": 2}},
        "maxUnavailable has no effect while disruption.enabled is false",
    ),
    ({"resources": {"limits": {"cpu": 1}, "requests": {"cpu": "1500m"}}}, "resources.requests.cpu is more than"),
    (
        {"resources": {"limits": {"memory": "1Gi"}, "requests": {"memory": "1025Mi"}}},
        "resources.requests.memory is more",
    ),
    *[
        ({"resources": {"limits": {name: value}}}, "a limit of 0 is no limit; give more than 0")
        for name in ("cpu", "memory", "nvidia.com/gpu")
        for value in ("0", 0, "00", -1)
    ],
    *[
        ({"resources": {"limits": {"memory": value}}}, "a limit of 0 is no limit; give more than 0")
        for value in ("0.0", "0m", "0.00Gi", "0k")
    ],
    ({"resources": {"requests": {"cpu": -1}}}, "a request is not negative"),
    ({"pod": {"serviceAccount": {"name": "a", "annotations": {"b": "c"}}}}, "annotations are for the account that"),
    ({"engine": {"overrides": {"--digest": "x"}}}, "a key of overrides is a path into config.yml"),
    ({"engine": {"mode": "pipeline", "backend": "Auto"}}, "another backend than Default needs mode direct"),
    ({"engine": {"backend": "TensorRT"}}, "spec.engine.backend: Unsupported value"),
    ({"engine": {"script": "-m serving"}}, "script is a file of the package, followed by its arguments"),
    ({"consistency": {"recheckInterval": "often"}}, "spec.consistency.recheckInterval"),
    ({"consistency": {"recheckInterval": "0s"}}, "every worker answers all golden samples each time; give 10s or more"),
    ({"consistency": {"recheckInterval": "0m9s"}}, "every worker answers all golden samples each time; give 10s or"),
    ({"engine": {"batching": {"mode": "On"}}}, "spec.engine.batching.mode"),
    ({"engine": {"batching": {"maxRows": 65}}}, "spec.engine.batching.maxRows"),
    ({"engine": {"mode": "pipeline", "batching": {"mode": "Auto"}}}, "batching belongs to mode direct"),
    ({"engine": {"warmup": {"shapes": [{"inputs": {}}]}}}, "spec.engine.warmup.shapes[0].inputs"),
    ({"engine": {"warmup": {"shapes": [{"inputs": {"x": [0]}}]}}}, "spec.engine.warmup.shapes[0].inputs.x[0]"),
    (
        {"engine": {"mode": "pipeline", "warmup": {"shapes": [{"inputs": {"x": [1]}}]}}},
        "shapes to warm up need mode direct",
    ),
    ({"rollout": {"progressDeadline": "soon"}}, "spec.rollout.progressDeadline"),
    ({"replicas": -1}, "spec.replicas"),
    ({"resources": {"limits": {"cpu": "fast"}}}, "spec.resources.limits.cpu"),
    ({"disruption": {"maxUnavailable": "half"}}, "spec.disruption.maxUnavailable"),
]


@pytest.mark.parametrize(("fields", "sentence"), CONTRADICTIONS)
def test_a_contradiction_is_refused_with_a_sentence(world: World, fields: dict[str, Any], sentence: str) -> None:
    assert sentence in refusal(world, "ocr", spec(**fields))


SOURCES: list[tuple[dict[str, Any], str]] = [
    ({}, "spec.model.source needs exactly one of pvc, http, s3, gcs, oss, image, configMap"),
    ({"http": {"url": "http://a/b"}, "configMap": {"name": "c"}}, "spec.model.source needs exactly one of"),
    ({"pvc": {"claimName": "m", "path": "/abs"}}, "path is relative to the root of the volume"),
    ({"pvc": {"claimName": "m", "path": "a/../../b"}}, "without a leading / and without .."),
    ({"image": {"reference": "r", "path": "/a/.."}}, "path is an absolute directory of the image"),
    ({"http": {"url": "https://me:secret@store/a.zip"}}, "a user or password in the URL is readable by everybody"),
    ({"http": {"url": "ftp://store/a.zip"}}, "spec.model.source.http.url"),
    ({"http": {"url": "hf://owner"}}, "spec.model.source.http.url"),
    ({"http": {"url": "http://store/a.zip", "credentialsSecret": "s"}}, "would go over the network in plain text"),
    ({"s3": {}}, "spec.model.source.s3.uri: Required value"),
    ({"s3": {"uri": "models/a"}}, "spec.model.source.s3.uri"),
    ({"s3": {"uri": "s3://models/a/../b"}}, "uri is s3://<bucket>/<folder or archive>, without .."),
    ({"s3": {"uri": "s3://models/a", "endpoint": "store:9000"}}, "spec.model.source.s3.endpoint"),
    ({"s3": {"uri": "s3://models/a", "endpoint": "https://me:secret@store"}}, "use credentialsSecret"),
    ({"s3": {"uri": "s3://models/a", "endpoint": "http://store", "caConfigMap": "ca"}}, "caConfigMap has no effect"),
    ({"s3": {"uri": "s3://models/a", "caConfigMap": "ca"}}, "caConfigMap has no effect without an endpoint"),
    ({"gcs": {}}, "spec.model.source.gcs.uri: Required value"),
    ({"gcs": {"uri": "s3://models/a"}}, "spec.model.source.gcs.uri"),
    ({"gcs": {"uri": "gs://models/a/../b"}}, "uri is gs://<bucket>/<folder or archive>, without .."),
    ({"gcs": {"uri": "gs://models/a", "endpoint": "https://me:secret@store"}}, "use credentialsSecret"),
    ({"gcs": {"uri": "gs://models/a", "endpoint": "http://store", "credentialsSecret": "s"}}, "in plain text"),
    ({"oss": {"uri": "oss://models/a"}}, "spec.model.source.oss.region: Required value"),
    ({"oss": {"uri": "s3://models/a", "region": "cn-hangzhou"}}, "spec.model.source.oss.uri"),
    ({"oss": {"uri": "oss://models/a/..", "region": "r"}}, "uri is oss://<bucket>/<folder or archive>, without .."),
    ({"oss": {"uri": "oss://models/a", "region": "r", "caConfigMap": "ca"}}, "caConfigMap has no effect without"),
]


@pytest.mark.parametrize(("source", "sentence"), SOURCES)
def test_a_source_that_cannot_work_is_refused_with_a_sentence(
    world: World, source: dict[str, Any], sentence: str
) -> None:
    wrong = copy.deepcopy(spec())
    wrong["model"]["source"] = source
    assert sentence in refusal(world, "ocr", wrong)


WITH_ALL = {"endpoint": "https://store.example:9000", "credentialsSecret": "reader", "caConfigMap": "ca"}


@pytest.mark.parametrize(
    "source",
    [
        {"s3": {"uri": "s3://models/ocr-rec/v2.tar.gz", "region": "us-east-1", **WITH_ALL}},
        {"gcs": {"uri": "gs://the_models.example.com/ocr-rec/v2.tar.gz", **WITH_ALL}},
        {"oss": {"uri": "oss://models/ocr-rec/v2.tar.gz", "region": "cn-hangzhou", **WITH_ALL}},
    ],
    ids=lambda source: next(iter(source)),
)
def test_a_store_with_every_field_is_accepted(world: World, source: dict[str, Any]) -> None:
    whole = copy.deepcopy(spec())
    whole["model"]["source"] = source
    assert world.create("ocr", whole)["spec"]["model"]["source"] == source


@pytest.mark.parametrize("url", ["https://store/v2/", "hf://owner/model", "hf://owner/model@v2/folder/a.tar.gz"])
def test_an_address_of_a_folder_or_of_hugging_face_is_accepted(world: World, url: str) -> None:
    whole = copy.deepcopy(spec())
    whole["model"]["source"] = {"http": {"url": url, "credentialsSecret": "reader"}}
    assert world.create("ocr", whole)["spec"]["model"]["source"] == whole["model"]["source"]


def test_a_digest_is_required_and_checked(world: World) -> None:
    without = copy.deepcopy(spec())
    del without["model"]["digest"]
    assert "spec.model.digest: Required value" in refusal(world, "ocr", without)
    without["model"]["digest"] = "latest"
    assert "spec.model.digest" in refusal(world, "ocr", without)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("ocr.v2", "metadata.name becomes the name of a Service"),
        ("2-ocr", "metadata.name becomes the name of a Service"),
        ("a" * 53, "at most 52 characters"),
        ("ocr-stable", "must not end with -stable or -canary"),
    ],
)
def test_a_name_that_cannot_be_a_service_is_refused(world: World, name: str, sentence: str) -> None:
    assert sentence in refusal(world, name, spec())


def test_scaling_goes_through_the_scale_subresource(world: World) -> None:
    world.create("ocr", spec())
    world.patch(PADDLE_SERVICE, "ocr/scale", {"spec": {"replicas": 5}})
    assert world.resource("ocr")["spec"]["replicas"] == 5


def test_a_change_of_the_status_is_no_new_generation(world: World) -> None:
    world.create("ocr", spec())
    once = world.reconciler()
    once("ocr")
    resource = world.resource("ocr")
    assert resource["metadata"]["generation"] == 1
    assert resource["status"]["observedGeneration"] == 1
