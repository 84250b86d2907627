"""A wrong model or service of every kind, against a real `serve`: refused, and the report says where."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from e2e.lib import defects
from e2e.lib import model as variants
from e2e.lib.sightings import CUT_OFF, RIGHT_TEXTS, SIGHTINGS
from images.serving.tests.process.serve.conftest import start_serving
from paddle_serving_runtime.package import manifest

if TYPE_CHECKING:
    from images.serving.tests.process.serve.conftest import Serving

pytestmark = pytest.mark.timeout(400)
BUILD = Path(__file__).parents[5] / "examples/build.py"
KINDS = [
    pytest.param(service, defect, id=f"{service}-{defect.__name__}")
    for service, found in defects.DEFECTS.items()
    for defect in found
    if defect.__name__ in SIGHTINGS and (service, defect.__name__) != ("uci-housing", "one_weight_changed")
]


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The package of an example, assembled once."""
    built: dict[str, Path] = {}

    def of(service: str) -> Path:
        if service not in built:
            target = tmp_path_factory.mktemp("built") / service
            subprocess.run([sys.executable, str(BUILD), service, str(target)], check=True, timeout=300)
            built[service] = target
        return built[service]

    return of


def refused(package: Path, folder: Path) -> "Serving":
    """A `serve` that has ended; the package has a new manifest, so that no digest tells."""
    serving = start_serving(folder, package, "--workers", "1", "--digest", manifest.write(package))
    try:
        serving.wait_exit(300)
    finally:
        serving.kill()
    return serving


def reported(serving: "Serving") -> dict[str, Any]:
    assert serving.process.returncode == 3, serving.tail()
    (entry,) = serving.logs("refused")
    report: dict[str, Any] = entry["report"]
    assert report["verdict"] == "None"
    return report


@pytest.mark.parametrize(("service", "defect"), KINDS)
def test_a_defect_is_refused_and_the_report_names_where_and_both_values(
    service: str, defect: "variants.Variant", build: Callable[[str], Path], tmp_path: Path
) -> None:
    package = Path(shutil.copytree(build(service), tmp_path / "package"))
    defect(package)
    serving, seen = refused(package, tmp_path), SIGHTINGS[defect.__name__]
    report = reported(serving)
    for entry in seen.entries(report):
        assert entry["index"] == [0] or service == "two-tasks"
        if seen.tensor == "text" and seen.against == "recorded":
            assert entry["expected"] == RIGHT_TEXTS[entry["sample"]]
    assert serving.message() == " ".join(f"NotConsistent: {report['differences'][0]}".split())
    for entry in (one for one in report["comparisons"] if not one["equal"]):
        place = f"Sample {entry['sample']}, tensor {entry['tensor']}, element {entry['index']}: "
        assert any(sentence.startswith(place) for sentence in report["differences"]), place


def test_cut_off_parameters_are_named_by_file_and_place_before_anything_is_computed(
    build: Callable[[str], Path], tmp_path: Path
) -> None:
    package = Path(shutil.copytree(build("ocr-rec"), tmp_path / "package"))
    defects.params_truncated(package)
    serving = refused(package, tmp_path)
    assert serving.process.returncode == 4
    message = serving.message()
    assert message.startswith("ModelInvalid: ")
    assert all(part in message for part in CUT_OFF)


def test_the_packages_are_right_without_a_defect(build: Callable[[str], Path], tmp_path: Path) -> None:
    for service in ("ocr-rec", "two-tasks"):
        folder = tmp_path / service
        folder.mkdir()
        serving = start_serving(folder, build(service), "--workers", "1")
        try:
            assert serving.wait_ready(300).get("/report").json()["verdict"] == "Recorded"
        finally:
            serving.kill()


def test_there_are_at_least_twelve_kinds_and_each_is_tested_here() -> None:
    kinds = {defect.__name__ for found in defects.DEFECTS.values() for defect in found}
    assert kinds == {*SIGHTINGS, "params_truncated"}
    assert len(kinds) >= 12


def test_a_defect_whose_place_is_gone_says_so_instead_of_planting_nothing(
    build: Callable[[str], Path], tmp_path: Path
) -> None:
    package = Path(shutil.copytree(build("ocr-rec"), tmp_path / "package"))
    defects.channels_swapped(package)
    with pytest.raises(defects.DefectError, match="stands there 0 times"):
        defects.channels_swapped(package)


def test_the_program_inside_the_cluster_knows_every_variant_with_the_two_files_alone(tmp_path: Path) -> None:
    for file in (variants.__file__, defects.__file__):
        shutil.copy(file, tmp_path)
    code = "import model; print(*(v.__name__ for found in model.VARIANTS.values() for v in found))"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, capture_output=True, text=True)
    assert done.stdout.split() == [each.__name__ for found in variants.VARIANTS.values() for each in found]
