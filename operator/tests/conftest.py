"""Shared by the operator's tests: golden files, and specs that differ from a small one in what a test is about."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import pytest
import yaml
from typing_extensions import override

from paddle_serving_operator.api.parse import parse_spec
from paddle_serving_operator.api.types import ServiceSpec
from paddle_serving_operator.constants import Key, Manifest
from paddle_serving_operator.settings import Profile

GOLDEN = Path(__file__).parent / "golden"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="write what the builders give into operator/tests/golden"
    )


class _NoAliases(yaml.SafeDumper):
    @override
    def ignore_aliases(self, data: object) -> bool:
        return True


class Golden:
    """Compares a manifest with a file; with --update-golden it writes the file."""

    def __init__(self, *, update: bool) -> None:
        self._update = update

    def check(self, name: str, manifest: Manifest) -> None:
        path = GOLDEN / name
        text = yaml.dump(manifest, Dumper=_NoAliases, sort_keys=False, width=120)
        if self._update:
            path.write_text(text, encoding="utf-8")
        assert path.is_file(), (
            f"{name} is missing: run pytest operator/tests/unit --update-golden and read the new file"
        )
        assert yaml.safe_load(path.read_text(encoding="utf-8")) == yaml.safe_load(text)


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    return Golden(update=request.config.getoption("--update-golden"))


class MakeSpec(Protocol):
    def __call__(self, **fields: object) -> ServiceSpec: ...


def raw_spec(**fields: object) -> dict[str, Any]:
    model = {"digest": "sha256:" + "a" * 64, "source": {"pvc": {"claimName": "models", "path": "ocr/v2"}}}
    given: Any = fields.pop("model", {})
    return {"model": model | given, **fields}


@pytest.fixture
def make_spec() -> MakeSpec:
    """A parsed spec; keyword arguments replace fields, those of model are merged."""

    def make(**fields: object) -> ServiceSpec:
        return parse_spec(Key("default", "ocr"), raw_spec(**fields))

    return make


@pytest.fixture
def make_raw_spec() -> Any:  # noqa: ANN401 - a function
    return raw_spec


@pytest.fixture
def profiles() -> Mapping[str, Profile]:
    cpu = Profile("runtime:1", "IfNotPresent", {"cpu": "2", "memory": "2Gi"}, {"cpu": "500m", "memory": "1Gi"})
    gpu = Profile(
        image="runtime:1-gpu",
        image_pull_policy="Always",
        limits={"cpu": "4", "memory": "8Gi", "nvidia.com/gpu": "1"},
        requests={"cpu": "2"},
        env=(("NVIDIA_VISIBLE_DEVICES", "all"), ("LEVEL", "info")),
        runtime_class_name="nvidia",
        node_selector={"accelerator": "nvidia"},
        tolerations=({"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"},),
    )
    return {"cpu": cpu, "gpu": gpu}
