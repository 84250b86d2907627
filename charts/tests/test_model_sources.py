"""Where a package comes from, in the custom resource that the chart renders."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from charts.tests.conftest import Helm

CHART_FOLDER = Path(__file__).resolve().parents[1] / "paddle-serving"
CHART = CHART_FOLDER.name
DEFAULT = CHART_FOLDER / "ci" / "default-values.yaml"


def test_a_store_reaches_the_custom_resource_without_its_empty_fields(helm: Helm) -> None:
    full = helm.template(CHART, values=CHART_FOLDER / "ci" / "s3-values.yaml").one("PaddleService")["spec"]
    assert full["model"]["source"] == {
        "s3": {
            "uri": "s3://models/ocr-rec/v2",
            "endpoint": "https://minio.models.svc:9000",
            "region": "us-east-1",
            "credentialsSecret": "models-reader",
            "caConfigMap": "models-ca",
        }
    }
    assert full["engine"]["mode"] == "pipeline"
    assert full["engine"]["legacyStatus"] is True
    assert full["engine"]["standby"] is False
    assert full["engine"]["allocator"] == "system"
    options = ["--set=model.source.pvc.claimName=", "--set=model.source.s3.uri=s3://models/a"]
    short = helm.template(CHART, *options, values=DEFAULT).one("PaddleService")["spec"]
    assert short["model"]["source"] == {"s3": {"uri": "s3://models/a"}}


def test_the_stores_of_other_clouds_reach_the_custom_resource_without_their_empty_fields(helm: Helm) -> None:
    full = helm.template(CHART, values=CHART_FOLDER / "ci" / "gcs-values.yaml").one("PaddleService")["spec"]
    assert full["model"]["source"] == {
        "gcs": {
            "uri": "gs://models/ocr-rec/v2",
            "endpoint": "https://storage-models.p.googleapis.com",
            "credentialsSecret": "models-reader",
            "caConfigMap": "models-ca",
        }
    }
    options = ["--set=model.source.pvc.claimName=", "--set=model.source.oss.uri=oss://models/a"]
    region = "--set=model.source.oss.region=cn-hangzhou"
    short = helm.template(CHART, *options, region, values=DEFAULT).one("PaddleService")["spec"]
    assert short["model"]["source"] == {"oss": {"uri": "oss://models/a", "region": "cn-hangzhou"}}


def test_a_token_for_a_web_server_reaches_the_custom_resource_where_it_is_given(helm: Helm) -> None:
    options = ["--set=model.source.pvc.claimName=", "--set=model.source.http.url=hf://a/b@v2"]
    short = helm.template(CHART, *options, values=DEFAULT).one("PaddleService")["spec"]
    assert short["model"]["source"] == {"http": {"url": "hf://a/b@v2"}}
    named = "--set=model.source.http.credentialsSecret=hub-reader"
    full = helm.template(CHART, *options, named, values=DEFAULT).one("PaddleService")["spec"]
    assert full["model"]["source"] == {"http": {"url": "hf://a/b@v2", "credentialsSecret": "hub-reader"}}
