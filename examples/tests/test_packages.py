import ast
import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from paddle_serving_runtime.package import manifest

EXAMPLES = Path(__file__).resolve().parent.parent
NAMES = ["ocr-det", "ocr-rec", "uci-housing"]
EVERY = sorted(path.parent.name for path in EXAMPLES.glob("*/package.toml"))


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


@pytest.mark.parametrize("example", EVERY)
def test_the_custom_resource_carries_the_digest_of_the_assembled_package(example: str, tmp_path: Path) -> None:
    build.assemble(EXAMPLES / example, build.wheel_of(EXAMPLES / example), tmp_path / "package")
    resource = yaml.safe_load((EXAMPLES / f"{example}.yaml").read_text())
    assert manifest.write(tmp_path / "package") == resource["spec"]["model"]["digest"]
    shutil.rmtree(tmp_path / "package")  # pytest keeps what tests leave, and some of these are large


def test_every_resource_of_an_example_carries_the_digest_of_its_package() -> None:
    served = [
        yaml.safe_load(path.read_text())["spec"]["model"]
        for path in sorted(EXAMPLES.glob("*.yaml"))
        if not path.stem.endswith("-values")
    ]
    digests: dict[str, set[str]] = {}
    for model in served:
        digests.setdefault(model["source"]["image"]["reference"], set()).add(model["digest"])
    assert len(served) > len(digests) > 10
    assert [reference for reference, found in digests.items() if len(found) > 1] == []


def test_the_chart_values_carry_the_same_digest_and_a_golden_sample() -> None:
    resource = yaml.safe_load((EXAMPLES / "ocr-rec.yaml").read_text())
    values = yaml.safe_load((EXAMPLES / "ocr-rec-values.yaml").read_text())
    assert values["model"]["digest"] == resource["spec"]["model"]["digest"]
    golden = json.loads((EXAMPLES / "ocr-rec/golden/hello.json").read_text())
    assert json.loads(values["test"]["request"]) == golden
    recorded = json.loads((EXAMPLES / "ocr-rec/golden/expected/hello.json").read_text())
    assert values["test"]["expect"] == recorded["answer"]


@pytest.mark.parametrize("example", EVERY)
def test_every_golden_request_has_a_recorded_answer(example: str) -> None:
    samples = {path.stem for path in (EXAMPLES / example / "golden").iterdir() if path.is_file()}
    recorded = {path.stem for path in (EXAMPLES / example / "golden/expected").glob("*.json")}
    assert samples == recorded
    assert len(samples) >= 2


def test_assembling_into_a_folder_with_files_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "kept.txt").write_text("mine")
    wheel = build.download(EXAMPLES / name, build.cache_folder())
    with pytest.raises(build.BuildError, match="not empty"):
        build.assemble(EXAMPLES / name, wheel, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["kept.txt"]


def test_processes_that_assemble_a_package_at_once_all_succeed(name: str, tmp_path: Path) -> None:
    build.download(EXAMPLES / name, build.cache_folder())
    command = [sys.executable, str(EXAMPLES / "build.py"), name, str(tmp_path / "package")]
    running = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    assert [(process.communicate(timeout=60)[1], process.returncode) for process in running] == [("", 0)] * 4
    assert [path.name for path in tmp_path.iterdir()] == ["package"]


def test_assembling_again_is_refused_only_where_the_files_differ(name: str, package: Path) -> None:
    manifest.write(package)
    wheel = build.download(EXAMPLES / name, build.cache_folder())
    build.assemble(EXAMPLES / name, wheel, package)
    (package / "golden/more.json").write_text("{}")
    with pytest.raises(build.BuildError, match="not empty"):
        build.assemble(EXAMPLES / name, wheel, package)
    (package / "golden/more.json").rename(next((package / "golden").glob("*.json")))
    with pytest.raises(build.BuildError, match="not empty"):
        build.assemble(EXAMPLES / name, wheel, package)


@pytest.mark.parametrize("others", [0, 1])
def test_a_wheel_that_another_process_has_downloaded_meanwhile_is_taken(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, others: int
) -> None:
    wheel = build.download(EXAMPLES / name, build.cache_folder())

    def pip(command: list[str], **_named: object) -> "subprocess.CompletedProcess[str]":
        """What pip downloads, and what another process does at the same time."""
        folders = [Path(command[command.index("--dest") + 1])]
        folders += [tmp_path / build.pinned(EXAMPLES / name)[1]] * others
        for folder in folders:
            folder.mkdir()
            shutil.copy(wheel, folder)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(build, "pip", lambda: ["pip"])
    monkeypatch.setattr(build.subprocess, "run", pip)
    found = build.download(EXAMPLES / name, tmp_path)
    assert found == tmp_path / build.pinned(EXAMPLES / name)[1] / wheel.name
    assert len(list(tmp_path.iterdir())) == 1


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
