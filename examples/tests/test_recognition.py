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


def encoded(image: Image.Image, form: str, **options: object) -> str:
    content = io.BytesIO()
    image.save(content, form, **options)
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


def upright() -> Image.Image:
    """Red, white and black: no turn and no reflection of it looks the same."""
    image = Image.new("RGB", (96, 48), "red")
    image.paste("white", (48, 0, 96, 48))
    image.paste("black", (0, 0, 48, 24))
    return image


# how a camera stores the picture that is seen upright with this orientation
STORED = {
    1: [],
    2: [Image.Transpose.FLIP_LEFT_RIGHT],
    3: [Image.Transpose.ROTATE_180],
    4: [Image.Transpose.FLIP_TOP_BOTTOM],
    5: [Image.Transpose.TRANSPOSE],
    6: [Image.Transpose.ROTATE_90],
    7: [Image.Transpose.TRANSVERSE],
    8: [Image.Transpose.ROTATE_270],
}


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", STORED)
def test_a_photograph_is_turned_as_its_exif_says(orientation: int, form: str) -> None:
    stored = upright()
    for step in STORED[orientation]:
        stored = stored.transpose(step)
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = preprocess_ops.decode_image(encoded(stored, form, exif=exif.tobytes(), quality=95))
    assert image.size == (96, 48)
    for at in ((12, 12), (12, 36), (84, 12), (84, 36)):
        assert image.getpixel(at) == pytest.approx(upright().getpixel(at), abs=10)


def test_exif_that_is_broken_is_no_reason_to_refuse_a_picture() -> None:
    text = encoded(upright(), "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\x05\0")
    with pytest.warns(UserWarning, match="Corrupt EXIF data"):
        assert preprocess_ops.decode_image(text).size == (96, 48)


TRANSPARENT = {
    "RGBA": lambda: Image.new("RGBA", (8, 8), (0, 0, 0, 0)),
    "grey with alpha": lambda: Image.new("LA", (8, 8), (0, 0)),
    "half transparent": lambda: Image.new("RGBA", (8, 8), (255, 255, 255, 128)),
    "a palette": lambda: Image.new("P", (8, 8), 0),
    "one colour of RGB": lambda: Image.new("RGB", (8, 8), (1, 2, 3)),
    "one grey": lambda: Image.new("L", (8, 8), 7),
}
TRANSPARENCY = {"a palette": 0, "one colour of RGB": (1, 2, 3), "one grey": 7}


@pytest.mark.parametrize("kind", TRANSPARENT)
def test_what_is_transparent_is_white(kind: str) -> None:
    options = {"transparency": TRANSPARENCY[kind]} if kind in TRANSPARENCY else {}
    image = preprocess_ops.decode_image(encoded(TRANSPARENT[kind](), "PNG", **options))
    assert (image.mode, image.getextrema()) == ("RGB", ((255, 255),) * 3)


def test_a_picture_without_transparency_keeps_every_pixel() -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (48, 60, 3), np.uint8))
    for mode in ("RGB", "L", "1"):
        stored = noise.convert(mode)
        seen = preprocess_ops.decode_image(encoded(stored, "PNG"))
        assert np.array_equal(np.asarray(seen), np.asarray(stored.convert("RGB")))
    deep = np.linspace(0, 65535, 64, dtype=np.uint16).reshape(8, 8)
    seen = preprocess_ops.decode_image(encoded(Image.fromarray(deep), "PNG"))
    assert np.array_equal(np.asarray(seen)[:, :, 0], deep // 257)


FORMS = {
    "line breaks of MIME": lambda content: base64.encodebytes(content).decode(),
    "line breaks of Windows": lambda content: base64.encodebytes(content).decode().replace("\n", "\r\n"),
    "the alphabet of URLs": lambda content: base64.urlsafe_b64encode(content).decode(),
    "the alphabet of URLs, without padding": lambda content: base64.urlsafe_b64encode(content).decode().rstrip("="),
    "a data URL": lambda content: "data:image/png;base64," + base64.b64encode(content).decode(),
}


@pytest.mark.parametrize("form", FORMS)
def test_base64_as_tools_write_it_is_read(form: str) -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (48, 60, 3), np.uint8))
    content = base64.b64decode(encoded(noise, "PNG"))
    assert np.array_equal(np.asarray(preprocess_ops.decode_image(FORMS[form](content))), np.asarray(noise))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not base64!",
        "data:,x",
        "\u540d",
        picture(9, 9)[:-9] + "*" + picture(9, 9)[-9:],
        base64.b64encode(b"text").decode(),
    ],
)
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
