"""The pod of a service whose profile keeps packages for the next pod."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from paddle_serving_operator.api.types import ServiceSpec
from paddle_serving_operator.constants import Manifest
from paddle_serving_operator.desired.revision import revision_of
from paddle_serving_operator.settings import ModelCache, Profile

MakeSpec = Callable[..., ServiceSpec]
Profiles = Mapping[str, Profile]


def pod_with(source: Mapping[str, Any], cache: ModelCache | None, make_spec: MakeSpec, profiles: Profiles) -> Manifest:
    profile = replace(profiles["cpu"], cache=cache)
    pod: Manifest = revision_of("ocr", make_spec(model={"source": {"pvc": None, **source}}), profile).template["spec"]
    return pod


@pytest.mark.parametrize(
    "source",
    [
        {"http": {"url": "https://m/a.zip"}},
        {"s3": {"uri": "s3://models/a"}},
        {"gcs": {"uri": "gs://models/a"}},
        {"oss": {"uri": "oss://models/a", "region": "cn-hangzhou"}},
    ],
    ids=lambda source: next(iter(source)),
)
@pytest.mark.parametrize(
    ("cache", "volume"),
    [
        (ModelCache("packages", "", 5 << 30), {"persistentVolumeClaim": {"claimName": "packages"}}),
        (ModelCache("", "/var/lib/models", 5 << 30), {"hostPath": {"path": "/var/lib/models", "type": "Directory"}}),
    ],
)
def test_a_cache_is_mounted_where_packages_are_downloaded_and_nowhere_else(
    source: Mapping[str, Any], cache: ModelCache, volume: Manifest, make_spec: MakeSpec, profiles: Profiles
) -> None:
    pod = pod_with(source, cache, make_spec, profiles)
    (fetch,) = pod["initContainers"]
    assert fetch["args"][-4:] == ["--cache", "/cache", "--cache-limit", str(5 << 30)]
    assert {"name": "cache", "mountPath": "/cache"} in fetch["volumeMounts"]
    assert {"name": "cache", **volume} in pod["volumes"]
    assert "cache" not in {mount["name"] for mount in pod["containers"][0]["volumeMounts"]}


@pytest.mark.parametrize(
    "source", [{"pvc": {"claimName": "m"}}, {"image": {"reference": "m:1"}}, {"configMap": {"name": "m"}}]
)
def test_what_is_near_already_is_not_cached(source: Mapping[str, Any], make_spec: MakeSpec, profiles: Profiles) -> None:
    cache = ModelCache("packages", "", 5 << 30)
    assert pod_with(source, cache, make_spec, profiles) == pod_with(source, None, make_spec, profiles)
