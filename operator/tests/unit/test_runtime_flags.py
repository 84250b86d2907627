"""What the operator writes is what the runtime reads: its own parsers take the arguments of every pod."""

import argparse
import os
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from paddle_serving_operator.api.batching import BatchingMode
from paddle_serving_operator.api.types import ServiceSpec
from paddle_serving_operator.desired import arguments
from paddle_serving_operator.settings import ModelCache
from paddle_serving_runtime.cli import fetch, serve
from paddle_serving_runtime.cli.options import checked_image_digest

IMAGE = "paddle-serving-runtime:0.1.0"
SOURCES: list[dict[str, Any]] = [
    {"pvc": {"claimName": "models", "path": "a/b"}},
    {"http": {"url": "https://store/a.zip"}},
    {"http": {"url": "hf://a/b@v2/c", "credentialsSecret": "s"}},
    {"s3": {"uri": "s3://models/a"}},
    {
        "s3": {
            "uri": "s3://models/a.tar.gz",
            "endpoint": "https://store:9000",
            "region": "eu-west-1",
            "credentialsSecret": "s",
            "caConfigMap": "c",
        }
    },
    {"gcs": {"uri": "gs://models/a", "endpoint": "https://store", "credentialsSecret": "s", "caConfigMap": "c"}},
    {"oss": {"uri": "oss://models/a", "region": "cn-hangzhou", "credentialsSecret": "s"}},
    {"image": {"reference": "r:1"}},
    {"configMap": {"name": "c"}},
]
SPECS: list[dict[str, Any]] = [
    {},
    {"engine": {"mode": "pipeline", "legacyStatus": True, "standby": False, "allocator": "system"}},
    {"engine": {"workers": 3, "threadsPerWorker": 2, "irOptim": False, "overrides": {"op.rec.concurrency": "1"}}},
    {"engine": {"batching": {"mode": "Auto"}}},
    {"engine": {"batching": {"mode": "Off", "maxRows": 8}}},
    {"engine": {"mode": "pipeline", "batching": {"mode": "Off"}}},
    {"engine": {"batching": {"mode": "Auto", "maxRows": 64, "waitMilliseconds": 1}}},
    {"engine": {"batching": {"maxRows": 4}}},
    {"engine": {"script": "web_service_det.py --config=det.yml --opt op.det.a=$(B)", "overrides": {"op.det.c": "1"}}},
    {"engine": {"backend": "OpenVINO"}},
    {"engine": {"warmup": {"shapes": [{"inputs": {"x": [1, 3, 48, 320], "y": []}}]}}},
    {
        "engine": {
            "warmup": {"shapes": [{"model": "rec", "inputs": {"x": [2]}}, {"inputs": {"x": [1]}}]},
            "script": "a.py",
        }
    },
    {"engine": {"backend": "Auto"}},
    {"consistency": {"recheckInterval": "60s"}},
    {"consistency": {"mode": "Tolerance", "rtol": 0.1, "require": "Recorded", "required": False}},
]


def parsed(command: Any, words: list[str]) -> Mapping[str, Any]:  # noqa: ANN401 - a module
    parser = argparse.ArgumentParser(exit_on_error=False)
    command.add_arguments(parser)
    return vars(parser.parse_args(words[1:]))


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: next(iter(source)))
def test_fetch_takes_the_arguments_of_every_source(make_spec: Callable[..., ServiceSpec], source: object) -> None:
    spec = make_spec(model={"source": source})
    given = parsed(fetch, arguments.fetch(spec, None))
    assert given["digest"] == spec.model.digest
    assert str(given["output"]) == arguments.MODELS


def test_fetch_takes_the_arguments_of_a_cache(make_spec: Callable[..., ServiceSpec]) -> None:
    given = parsed(fetch, arguments.fetch(make_spec(), ModelCache("packages", "", 5 << 30)))
    assert (str(given["cache"]), given["cache_limit"]) == (arguments.CACHE, 5 << 30)


def test_a_store_arrives_as_it_was_given(make_spec: Callable[..., ServiceSpec]) -> None:
    given = parsed(fetch, arguments.fetch(make_spec(model={"source": SOURCES[4]}), None))
    assert (given["from_s3"], given["s3_endpoint"]) == ("s3://models/a.tar.gz", "https://store:9000")
    assert (given["s3_region"], str(given["s3_ca"])) == ("eu-west-1", arguments.CA_FILE)


def test_the_stores_of_other_clouds_are_named_by_their_addresses(make_spec: Callable[..., ServiceSpec]) -> None:
    google = parsed(fetch, arguments.fetch(make_spec(model={"source": SOURCES[5]}), None))
    assert (google["from_s3"], google["s3_endpoint"], google["s3_region"]) == ("gs://models/a", "https://store", "")
    alibaba = parsed(fetch, arguments.fetch(make_spec(model={"source": SOURCES[6]}), None))
    assert (alibaba["from_s3"], alibaba["s3_endpoint"]) == ("oss://models/a", "")
    assert (alibaba["s3_region"], alibaba["s3_ca"]) == ("cn-hangzhou", None)


def test_a_key_that_signs_is_named(make_spec: Callable[..., ServiceSpec]) -> None:
    given = parsed(serve, arguments.serve("ocr", make_spec(consistency={"signingKeySecret": "key"}), IMAGE))
    assert str(given["signing_key"]) == arguments.SIGNING_KEY_FILE


def test_pods_know_whom_to_compare_with_and_keep_requests_only_where_they_are_replayed(
    make_spec: Callable[..., ServiceSpec],
) -> None:
    given = parsed(serve, arguments.serve("ocr", make_spec(), IMAGE))
    assert (given["stable_service"], given["replay_buffer"]) == ("ocr-stable", 0)
    replays = parsed(serve, arguments.serve("ocr", make_spec(rollout={"drift": {"samples": "Replay"}}), IMAGE))
    assert replays["replay_buffer"] == arguments.REPLAYED


@pytest.mark.parametrize(
    ("image", "said"),
    [(f"r/runtime@sha256:{'5' * 64}", f"sha256:{'5' * 64}"), (f"r/runtime:1@sha256:{'5' * 64}", f"sha256:{'5' * 64}")]
    + [(image, "") for image in (IMAGE, f"r/runtime@sha256:{'5' * 63}", f"r/runtime:sha256-{'5' * 64}")],
)
def test_a_report_names_the_image_where_the_spec_names_it_by_digest(
    make_spec: Callable[..., ServiceSpec], image: str, said: str
) -> None:
    given = parsed(serve, arguments.serve("ocr", make_spec(), image))
    assert checked_image_digest(given["image_digest"]) == said


@pytest.mark.parametrize("fields", SPECS, ids=str)
def test_serve_takes_the_arguments_of_every_spec(make_spec: Callable[..., ServiceSpec], fields: dict[str, Any]) -> None:
    spec = make_spec(**fields)
    given = parsed(serve, arguments.serve("ocr", spec, IMAGE))
    assert given["allocator"] == spec.engine.allocator
    settings = serve.settings_from(argparse.Namespace(**given), os.environ.get("LOG_LEVEL", "info"))
    assert settings.engine == spec.engine.mode
    assert settings.legacy_status == spec.engine.legacy_status
    assert settings.standby == spec.engine.standby
    batching = spec.engine.batching
    said = (batching.max_rows, batching.wait_milliseconds / 1000) if batching.mode is BatchingMode.AUTO else (1, 0)
    assert (settings.batching.max_rows, settings.batching.wait) == said
    assert tuple(map(str, settings.warmup)) == spec.engine.warmup
    assert settings.computing.backend == spec.engine.backend
    assert settings.computing.script == spec.engine.script.replace("$", "$$")  # Kubernetes makes one of two
    assert (settings.http_port, settings.grpc_port, settings.admin_port) == (8080, 9000, 8081)


@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        ("", "/models"),
        ("/", "/models"),
        ("/model", "/models/model"),
        ("/a/b/", "/models/a/b"),
        ("/$(X)", "/models/$$(X)"),
    ],
)
def test_serve_reads_the_package_where_it_lies_in_the_volume(
    make_spec: Callable[..., ServiceSpec], folder: str, expected: str
) -> None:
    given = parsed(serve, arguments.serve("ocr", make_spec(), IMAGE, folder))
    assert str(given["model_dir"]) == expected


@pytest.mark.parametrize("engine", [{}, {"mode": "pipeline"}, {"mode": "pipeline", "batching": {"mode": "Off"}}])
def test_a_spec_from_before_batching_makes_the_pod_that_it_made_then(
    make_spec: Callable[..., ServiceSpec], engine: dict[str, Any]
) -> None:
    assert "--batching" not in arguments.serve("ocr", make_spec(engine=engine), IMAGE)
