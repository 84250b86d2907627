"""Where a package comes from: what is understood and refused, and the Deployment of each."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import pytest
from kubernetes import client

from paddle_serving_operator.api.fields import SpecError
from paddle_serving_operator.api.parse import parse_spec
from paddle_serving_operator.api.sources import BucketSource, ConfigMapSource, HttpSource, ImageSource, PvcSource
from paddle_serving_operator.api.types import ServiceSpec
from paddle_serving_operator.constants import Key, Manifest
from paddle_serving_operator.desired import objects
from paddle_serving_operator.desired.revision import revision_of
from paddle_serving_operator.settings import Profile


class Golden(Protocol):
    def check(self, name: str, manifest: Manifest) -> None: ...


MakeSpec = Callable[..., ServiceSpec]
Profiles = Mapping[str, Profile]

KEY = Key("default", "ocr")
SOURCES = {
    "pvc": {"pvc": {"claimName": "models", "path": "ocr/v2"}},
    "http": {"http": {"url": "https://store/a.tar.gz"}},
    "s3": {
        "s3": {
            "uri": "s3://models/ocr/v2",
            "endpoint": "https://minio.models.svc:9000",
            "region": "eu-west-1",
            "credentialsSecret": "models-reader",
            "caConfigMap": "models-ca",
        }
    },
    "gcs": {
        "gcs": {
            "uri": "gs://models/ocr/v2",
            "endpoint": "https://storage-models.p.googleapis.com",
            "credentialsSecret": "models-reader",
            "caConfigMap": "models-ca",
        }
    },
    "oss": {"oss": {"uri": "oss://models/ocr/v2", "region": "cn-hangzhou", "credentialsSecret": "models-reader"}},
    "configmap": {"configMap": {"name": "house"}},
}


@pytest.mark.parametrize("source", SOURCES)
def test_deployment_of_each_source(source: str, golden: Golden, make_spec: MakeSpec, profiles: Profiles) -> None:
    spec = make_spec(model={"source": SOURCES[source]})
    built = objects.deployment("ocr", revision_of("ocr", spec, profiles[spec.runtime]), 2)
    golden.check(f"deployment-{source}.yaml", built)
    client.V1Deployment.model_validate(built)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ({"pvc": {"claimName": "m"}}, PvcSource("m", "")),
        ({"http": {"url": "https://store/a.tar.gz"}}, HttpSource("https://store/a.tar.gz", "")),
        ({"http": {"url": "hf://a/b@v2/c", "credentialsSecret": "s"}}, HttpSource("hf://a/b@v2/c", "s")),
        ({"image": {"reference": "r:1"}}, ImageSource("r:1", "/model", "IfNotPresent")),
        ({"configMap": {"name": "c"}}, ConfigMapSource("c")),
        ({"s3": {"uri": "s3://models"}}, BucketSource("s3://models", "", "", "", "")),
        (
            {
                "s3": {
                    "uri": "s3://models/ocr/v2.tar.gz",
                    "endpoint": "http://store:9000",
                    "region": "r-1",
                    "credentialsSecret": "s",
                    "caConfigMap": "c",
                }
            },
            BucketSource("s3://models/ocr/v2.tar.gz", "http://store:9000", "r-1", "s", "c"),
        ),
        ({"gcs": {"uri": "gs://the_models/a/"}}, BucketSource("gs://the_models/a/", "", "", "", "")),
        (
            {"gcs": {"uri": "gs://m.b/a.zip", "endpoint": "https://s", "credentialsSecret": "s", "caConfigMap": "c"}},
            BucketSource("gs://m.b/a.zip", "https://s", "", "s", "c"),
        ),
        (
            {"oss": {"uri": "oss://models/a", "region": "cn-hangzhou", "credentialsSecret": "s"}},
            BucketSource("oss://models/a", "", "cn-hangzhou", "s", ""),
        ),
    ],
)
def test_each_source_is_understood(make_raw_spec: Callable[..., Any], source: object, expected: object) -> None:
    assert parse_spec(KEY, make_raw_spec(model={"source": source})).model.source == expected


BAD: list[tuple[dict[str, Any], str, str]] = [
    ({"model": {"source": {}}}, "spec.model.source", "has none. Give exactly one of pvc, http, s3, gcs, oss, image"),
    (
        {"model": {"source": {"http": {"url": "http://a"}, "configMap": {"name": "c"}}}},
        "spec.model.source",
        "http and configMap",
    ),
    ({"model": {"source": {"http": {"url": "ftp://a"}}}}, "spec.model.source.http.url", "http:// or https://"),
    (
        {"model": {"source": {"http": {"url": "hf://a"}}}},
        "spec.model.source.http.url",
        "hf://<owner>/<model>@<revision>",
    ),
    (
        {"model": {"source": {"http": {"url": "http://a/b", "credentialsSecret": "s"}}}},
        "spec.model.source.http.credentialsSecret",
        "in plain text",
    ),
    (
        {"model": {"source": {"http": {"url": "http://me:secret@a/"}}}},
        "spec.model.source.http.url",
        "without a password",
    ),
    (
        {"model": {"source": {"pvc": {"claimName": "m", "path": "/abs"}}}},
        "spec.model.source.pvc.path",
        "without a leading /",
    ),
    ({"model": {"source": {"pvc": {"claimName": "m", "path": "a/../b"}}}}, "spec.model.source.pvc.path", "without .."),
    ({"model": {"source": {"image": {"reference": "r", "path": "model"}}}}, "spec.model.source.image.path", "absolute"),
    (
        {"model": {"source": {"pvc": {"claimName": "m", "readOnly": True}}}},
        "spec.model.source.pvc.readOnly",
        "is unknown",
    ),
    ({"model": {"source": {"s3": {"uri": "models/a"}}}}, "spec.model.source.s3.uri", "Give s3://<bucket>/"),
    ({"model": {"source": {"s3": {"uri": "s3://models/a/../b"}}}}, "spec.model.source.s3.uri", "without .."),
    (
        {"model": {"source": {"s3": {"uri": "s3://models/a", "endpoint": "http://me:secret@store"}}}},
        "spec.model.source.s3.endpoint",
        "without path and password",
    ),
    (
        {"model": {"source": {"s3": {"uri": "s3://models/a", "accessKey": "x"}}}},
        "spec.model.source.s3.accessKey",
        "is unknown",
    ),
    ({"model": {"source": {"gcs": {"uri": "s3://models/a"}}}}, "spec.model.source.gcs.uri", "Give gs://<bucket>/"),
    ({"model": {"source": {"gcs": {"uri": "gs://models/.."}}}}, "spec.model.source.gcs.uri", "without .."),
    (
        {"model": {"source": {"gcs": {"uri": "gs://models", "endpoint": "http://s", "credentialsSecret": "c"}}}},
        "spec.model.source.gcs.credentialsSecret",
        "in plain text",
    ),
    ({"model": {"source": {"gcs": {"uri": "gs://m-m", "region": "eu"}}}}, "spec.model.source.gcs.region", "is unknown"),
    ({"model": {"source": {"oss": {"uri": "oss://models/a"}}}}, "spec.model.source.oss.region", "is missing"),
    (
        {"model": {"source": {"oss": {"uri": "oss://models/a", "region": ""}}}},
        "spec.model.source.oss.region",
        "such as eu-west-1 or cn-hangzhou",
    ),
    (
        {"model": {"source": {"oss": {"uri": "oss://mod.els/a", "region": "cn"}}}},
        "spec.model.source.oss.uri",
        "Give oss://<bucket>/",
    ),
]


@pytest.mark.parametrize(("fields", "path", "advice"), BAD)
def test_a_source_that_cannot_work_is_named_with_its_path_and_what_to_do(
    make_raw_spec: Callable[..., Any], fields: dict[str, Any], path: str, advice: str
) -> None:
    with pytest.raises(SpecError) as refused:
        parse_spec(KEY, make_raw_spec(**fields))
    assert refused.value.path == path
    assert advice in str(refused.value)
