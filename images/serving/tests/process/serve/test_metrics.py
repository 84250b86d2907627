"""/metrics as Prometheus reads it, while requests of every protocol run."""

import json
import math
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import pytest
import requests
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families

from images.serving.tests.services import X
from paddle_serving_runtime.package import manifest
from paddle_serving_runtime.protocol.paths import PIPELINE_INFERENCE
from paddle_serving_runtime.protocol.pipeline.messages import MESSAGES

if TYPE_CHECKING:
    from images.serving.tests.process.serve.conftest import Serving

SIMPLE = {"key": ["x"], "value": [X]}
TENSOR = {"name": "x", "datatype": "FP32", "shape": [1, 13], "data": [float(text) for text in X.split(",")]}
REQUESTS = 20


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory, make_package: Callable[..., Path]) -> "Iterator[Serving]":
    from images.serving.tests.process.serve.conftest import start_serving  # noqa: PLC0415 - a module of fixtures

    package = make_package()
    manifest.write(package)
    everything = ("--recheck-interval", "3600", "--replay-buffer", "5", "--batching", "Auto")
    serving = start_serving(tmp_path_factory.mktemp("metrics"), package, "--workers", "1", *everything)
    yield serving.wait_ready()
    serving.kill()


def pipeline_json(serving: "Serving") -> None:
    assert serving.post(SIMPLE).status_code == 200


def pipeline_grpc(serving: "Serving") -> None:
    request = MESSAGES["Request"](key=["x"], value=[X])
    with grpc.insecure_channel(serving.grpc) as channel:
        ask = channel.unary_unary(PIPELINE_INFERENCE, request_serializer=lambda message: message.SerializeToString())
        assert ask(request, timeout=60)


def oip_rest(serving: "Serving") -> None:
    body = {"inputs": [TENSOR]}
    response = requests.post(f"{serving.http}/v2/models/price/infer", data=json.dumps(body), timeout=60)
    assert response.status_code == 200, response.text
    assert "x-measured" not in response.headers


def refused(serving: "Serving") -> None:
    assert serving.post(b"{").status_code == 400


KINDS = (pipeline_json, pipeline_grpc, oip_rest, refused)


def families(serving: "Serving") -> dict[str, Metric]:
    """The families of a scrape, strictly: each with HELP and TYPE once, before its samples, no sample twice."""
    text = serving.get("/metrics").text
    assert text.endswith("\n")
    described: dict[str, list[str]] = defaultdict(list)
    for line in text.splitlines():
        assert line == line.strip()
        assert line
        if line.startswith("#"):
            _, keyword, name, _ = line.split(" ", 3)
            described[name].append(keyword)
    found = list(text_string_to_metric_families(text))
    assert {name: ["HELP", "TYPE"] for name in described} == described
    assert len({family.name for family in found}) == len(found)
    for family in found:
        assert family.documentation
        assert family.type in {"counter", "gauge", "histogram"}
        assert family.name in described or f"{family.name}_total" in described
        keys = [(sample.name, tuple(sorted(sample.labels.items()))) for sample in family.samples]
        assert len(set(keys)) == len(keys)
    return {family.name: family for family in found}


def check_histogram(family: Metric) -> None:
    """Buckets accumulate up to +Inf, which is the count; the unit is in the name, or it counts requests."""
    series: dict[tuple[tuple[str, str], ...], dict[str, Any]] = defaultdict(lambda: {"buckets": []})
    for sample in family.samples:
        labels = tuple(sorted((name, value) for name, value in sample.labels.items() if name != "le"))
        if sample.name.endswith("_bucket"):
            series[labels]["buckets"].append((float(sample.labels["le"]), sample.value))
        else:
            series[labels][sample.name.removeprefix(f"{family.name}_")] = sample.value
    for content in series.values():
        bounds = [bound for bound, _ in content["buckets"]]
        counts = [count for _, count in content["buckets"]]
        assert bounds == sorted(bounds)
        assert bounds[-1] == math.inf
        assert counts == sorted(counts)
        assert counts[-1] == content["count"]
        assert content["sum"] >= 0
    assert family.name.endswith(("_seconds", "batch_size"))


def value_of(found: dict[str, Metric], family: str, suffix: str) -> float:
    name = f"paddle_serving_{family}"
    return sum(sample.value for sample in found[name].samples if sample.name == f"{name}_{suffix}")


def test_a_scrape_is_well_formed_while_requests_run_and_counts_them_all(plain: "Serving") -> None:
    with ThreadPoolExecutor(len(KINDS)) as pool:
        running = [pool.submit(kind, plain) for _ in range(REQUESTS) for kind in KINDS]
        while not all(request.done() for request in running):
            for family in families(plain).values():
                if family.type == "histogram":
                    check_histogram(family)
        for request in running:
            request.result()

    wanted = {("200", kind.__name__): REQUESTS for kind in KINDS[:3]} | {("400", "pipeline_json"): REQUESTS}

    def counted() -> bool:
        samples = families(plain)["paddle_serving_requests"].samples
        return {(s.labels["code"], s.labels["protocol"]): s.value for s in samples} == wanted

    plain.wait_for(counted, f"{wanted} in /metrics", 20)
    found = families(plain)
    for name, count in (
        ("request_duration_seconds", 3 * REQUESTS),
        ("queue_duration_seconds", 3 * REQUESTS),
        ("inference_duration_seconds", 3 * REQUESTS),
        ("batch_size", 3 * REQUESTS),
        ("failed_request_duration_seconds", REQUESTS),
    ):
        check_histogram(found[f"paddle_serving_{name}"])
        assert value_of(found, name, "count") == count
    assert 0 < value_of(found, "inference_duration_seconds", "sum") < value_of(found, "request_duration_seconds", "sum")


def test_model_and_golden_result_are_told_without_a_digest_to_verify(plain: "Serving") -> None:
    digest = plain.get("/report").json()["modelDigest"]
    assert digest.startswith("sha256:")
    found = families(plain)
    (model,) = found["paddle_serving_model_info"].samples
    assert model.labels == {
        "name": "svc",
        "digest": digest,
        "paddle_version": "3.3.1",
        "device": "cpu",
        "backend": "Default",
    }
    (golden,) = found["paddle_serving_golden_verified"].samples
    assert (golden.labels, golden.value) == ({"verdict": "EngineOnly"}, 1)
    assert [sample.value for sample in found["paddle_serving_queue_length"].samples] == [0]


def test_the_document_has_every_metric_and_no_other(plain: "Serving") -> None:
    plain.post(SIMPLE)
    lines = plain.get("/metrics").text.splitlines()
    told = {(name, kind) for name, kind in (line.split()[2:4] for line in lines if line.startswith("# TYPE "))}
    document = (Path(__file__).parents[5] / "docs" / "operations.md").read_text()
    rows = (line.split("|") for line in document.splitlines() if line.startswith("| `paddle_serving_"))
    assert {(row[1].strip(" `"), row[2].strip()) for row in rows} == told
