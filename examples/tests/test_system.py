"""The two-model service of PP-OCRv4, beside rapidocr-paddle, and its steps between the models."""

import base64
import io
import json
import shutil
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from examples.tests.test_packages import EXAMPLES, build, load
from examples.tests.test_services import served

SYSTEM = EXAMPLES / "ppocrv4-system"
MODULES = ("boxes", "crop", "ctc", "pictures", "preprocess_ops")


@pytest.fixture(scope="module")
def steps() -> dict[str, ModuleType]:
    """The service's modules by name; other examples have modules of the same names."""
    kept = {name: sys.modules.pop(name) for name in MODULES if name in sys.modules}
    loaded = {name: load(SYSTEM / f"{name}.py") for name in MODULES}
    for name in MODULES:
        del sys.modules[name]
    sys.modules.update(kept)
    return loaded


@pytest.mark.parametrize("page", ["receipt", "turned"])
def test_the_recorded_answer_is_what_rapidocr_reads_in_the_same_page(page: str) -> None:
    recorded = json.loads((SYSTEM / f"golden/expected/{page}.json").read_text())["answer"]
    theirs = json.loads((SYSTEM / "rapidocr.json").read_text())[page]
    assert recorded["text"] == theirs["text"]
    assert recorded["boxes"] == theirs["boxes"]
    np.testing.assert_allclose(recorded["score"], theirs["score"], atol=2e-4)


def test_every_page_is_compared_with_rapidocr() -> None:
    pages = {path.stem for path in (SYSTEM / "images").iterdir()}
    assert pages == set(json.loads((SYSTEM / "rapidocr.json").read_text()))


def test_a_level_box_is_cut_out_as_it_is(steps: dict[str, ModuleType]) -> None:
    image = np.random.RandomState(1).randint(0, 256, (40, 50, 3)).astype(np.uint8)
    box = np.array([[10, 5], [30, 5], [30, 15], [10, 15]])
    np.testing.assert_array_equal(steps["crop"].crop(image, box), image[5:15, 10:30])


def test_a_line_that_runs_down_is_turned(steps: dict[str, ModuleType]) -> None:
    image = np.random.RandomState(1).randint(0, 256, (40, 50, 3)).astype(np.uint8)
    box = np.array([[10, 5], [20, 5], [20, 35], [10, 35]])
    assert steps["crop"].line_size(box) == (30, 10)
    np.testing.assert_array_equal(steps["crop"].crop(image, box), np.rot90(image[5:35, 10:20]))


def test_a_turned_box_is_read_along_its_side(steps: dict[str, ModuleType]) -> None:
    image = np.zeros((60, 60, 3), dtype=np.uint8)
    image[np.add.outer(np.arange(60), np.arange(60)) > 60] = 200  # light below a diagonal
    box = np.array([[10, 30], [30, 10], [40, 20], [20, 40]])
    line = steps["crop"].crop(image, box)
    assert line.shape == (14, 28, 3)
    assert (line[:13] < 100).all(axis=(1, 2)).tolist() != (line[:13] > 100).all(axis=(1, 2)).tolist()
    assert line[0].mean() < 20
    assert line[-1].mean() < 220


def test_up_to_six_lines_are_read_together_narrow_ones_first(steps: dict[str, ModuleType]) -> None:
    boxes = np.array([[[0, 0], [10 * n, 0], [10 * n, 10], [0, 10]] for n in (8, 2, 3, 9, 4, 5, 6, 7)])
    assert steps["preprocess_ops"].groups(boxes) == [[1, 2, 4, 5, 6, 7], [0, 3]]
    assert steps["preprocess_ops"].groups(np.empty((0, 4, 2), dtype=np.int32)) == []


def test_lines_are_told_in_reading_order_without_the_unreadable_ones(steps: dict[str, ModuleType]) -> None:
    boxes = np.array([[[0, 0], [10 * n, 0], [10 * n, 10], [0, 10]] for n in (5, 3, 4)])
    characters = ["", "a", "b", "c"]

    def said(label: int, sure: float) -> np.ndarray:
        return np.eye(4, dtype=np.float32)[[label]] * np.float32(sure)

    # the group is [1, 2, 0]: the narrowest line first
    found = steps["preprocess_ops"].page(boxes, [np.stack([said(1, 0.75), said(2, 0.25), said(3, 1)])], characters)
    assert (found["text"], found["score"]) == (["c", "a"], [1.0, 0.75])
    assert found["boxes"] == [boxes[0].astype(float).tolist(), boxes[1].astype(float).tolist()]


def test_a_picture_is_blue_first_and_what_is_none_is_refused(steps: dict[str, ModuleType]) -> None:
    content = io.BytesIO()
    Image.new("RGB", (3, 2), (10, 20, 30)).save(content, "PNG")
    image = steps["pictures"].decode_image(base64.b64encode(content.getvalue()).decode())
    assert image.shape == (2, 3, 3)
    assert image[0, 0].tolist() == [30, 20, 10]
    with pytest.raises(ValueError, match="not a base64 picture"):
        steps["pictures"].decode_image("AAAA")


def test_resizing_weighs_the_nearest_pixels_only(steps: dict[str, ModuleType]) -> None:
    image = np.arange(8, dtype=np.uint8).reshape(1, 8, 1).repeat(3, axis=2) * 10
    assert steps["pictures"].resize(image, 4, 1)[0, :, 0].tolist() == [5, 25, 45, 65]
    assert steps["pictures"].resize(image, 2, 1)[0, :, 0].tolist() == [15, 55]
    np.testing.assert_array_equal(steps["pictures"].resize(image, 8, 1), image)


def test_a_page_without_text_has_no_lines(tmp_path: Path) -> None:
    package = tmp_path / "package"
    build.assemble(SYSTEM, build.wheel_of(SYSTEM), package)
    shutil.rmtree(package / "golden")
    (package / "golden").mkdir()
    content = io.BytesIO()
    Image.new("RGB", (60, 50), "white").save(content, "PNG")
    request = {"key": ["image"], "value": [base64.b64encode(content.getvalue()).decode()]}
    (package / "golden/blank.json").write_text(json.dumps(request))
    answers = served(package, tmp_path)
    assert {name: array.size for name, array in answers["blank.json"].items()} == {"text": 0, "score": 0, "boxes": 0}
