import base64
import importlib.util
import io
import json
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

SERVICE = Path(__file__).resolve().parent.parent / "ocr-rec"
CHARACTERS = ["", "a", "b", " "]


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, SERVICE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


ctc, preprocess_ops = load("ctc"), load("preprocess_ops")


def picture(width: int, height: int, colour: tuple[int, int, int] = (255, 0, 0)) -> str:
    content = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(content, "PNG")
    return base64.b64encode(content.getvalue()).decode()


def one_hot(labels: list[int]) -> np.ndarray:
    return np.eye(len(CHARACTERS), dtype=np.float32)[labels] * np.float32(0.5)


def test_repeated_characters_are_one_unless_a_blank_stands_between() -> None:
    assert ctc.greedy_decode(one_hot([0, 1, 1, 0, 1, 2, 2, 3]), CHARACTERS) == ("aab ", 0.5)


def test_nothing_but_blanks_is_an_empty_text_with_score_0() -> None:
    assert ctc.greedy_decode(one_hot([0, 0]), CHARACTERS) == ("", 0.0)


def test_a_dictionary_of_another_network_is_refused() -> None:
    with pytest.raises(ValueError, match="the network has 4 classes, the dictionary 3"):
        ctc.greedy_decode(one_hot([0]), CHARACTERS[:3])


def test_a_picture_becomes_48_high_in_blue_green_red_between_minus_one_and_one() -> None:
    array = preprocess_ops.resize_and_normalize(preprocess_ops.decode_image(picture(200, 96)))
    assert (array.shape, array.dtype) == ((1, 3, 48, 100), np.float32)
    assert [array[0, channel].min() for channel in range(3)] == [-1, -1, 1]
    assert array.flags.c_contiguous


@pytest.mark.parametrize("text", ["", "not base64!", base64.b64encode(b"text").decode()])
def test_what_is_no_picture_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match="image: not a base64 picture"):
        preprocess_ops.decode_image(text)


def test_a_picture_too_wide_for_one_line_is_refused() -> None:
    with pytest.raises(ValueError, match="3000x10 is too wide"):
        preprocess_ops.resize_and_normalize(preprocess_ops.decode_image(picture(3000, 10)))


def test_the_golden_requests_hold_the_committed_pictures() -> None:
    for path in sorted((SERVICE / "golden").glob("*.json")):
        request = json.loads(path.read_text())
        assert base64.b64decode(request["value"][0]) == (SERVICE / "images" / f"{path.stem}.png").read_bytes()
