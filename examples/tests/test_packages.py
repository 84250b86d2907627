import ast
import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from paddle_serving_runtime.model import manifest

EXAMPLES = Path(__file__).resolve().parent.parent
NAMES = ["ocr-rec", "uci-housing"]


def load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


build = load(EXAMPLES / "build.py")


@pytest.fixture(scope="session", params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def package(name: str, tmp_path: Path) -> Path:
    wheel = build.download(EXAMPLES / name, build.cache_folder())
    build.assemble(EXAMPLES / name, wheel, tmp_path / name)
    return tmp_path / name


def test_the_custom_resource_carries_the_digest_of_the_assembled_package(name: str, package: Path) -> None:
    resource = yaml.safe_load((EXAMPLES / f"{name}.yaml").read_text())
    assert manifest.write(package) == resource["spec"]["model"]["digest"]


def test_the_chart_values_carry_the_same_digest_and_a_golden_sample() -> None:
    resource = yaml.safe_load((EXAMPLES / "ocr-rec.yaml").read_text())
    values = yaml.safe_load((EXAMPLES / "ocr-rec-values.yaml").read_text())
    assert values["model"]["digest"] == resource["spec"]["model"]["digest"]
    golden = json.loads((EXAMPLES / "ocr-rec/golden/hello.json").read_text())
    assert json.loads(values["test"]["request"]) == golden
    recorded = json.loads((EXAMPLES / "ocr-rec/golden/expected/hello.json").read_text())
    assert values["test"]["expect"] == recorded["answer"]


def test_every_golden_request_has_a_recorded_answer(package: Path) -> None:
    samples = {path.stem for path in (package / "golden").glob("*.json")}
    recorded = {path.stem for path in (package / "golden/expected").glob("*.json")}
    assert samples == recorded
    assert len(samples) >= 2


def test_assembling_into_a_folder_with_files_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "kept.txt").write_text("mine")
    wheel = build.download(EXAMPLES / name, build.cache_folder())
    with pytest.raises(build.BuildError, match="not empty"):
        build.assemble(EXAMPLES / name, wheel, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["kept.txt"]


def test_a_wheel_other_than_the_pinned_one_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "other.whl").write_bytes(b"PK")
    with pytest.raises(build.BuildError, match="pins"):
        build.assemble(EXAMPLES / name, tmp_path / "other.whl", tmp_path / "package")
    assert not (tmp_path / "package").exists()


def test_the_service_and_the_inference_script_share_their_preprocessing() -> None:
    def imports(path: Path) -> set[str]:
        tree = ast.parse(path.read_text())
        return {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}

    shared = {"ctc", "preprocess_ops"}
    assert shared <= imports(EXAMPLES / "ocr-rec/web_service.py")
    assert shared <= imports(EXAMPLES / "ocr-rec/infer.py")
