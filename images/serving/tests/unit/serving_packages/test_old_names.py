"""What services of Paddle Serving's time use of numpy and Pillow; names are put back for the whole of a process."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

DOCUMENT = Path(__file__).parents[5] / "docs" / "compatibility.md"

INSTALLED = """
import numpy as np
from paddle_serving_runtime.serving_packages import install
install()
"""


def run_fresh(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        env={"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


# as numpy 1.23 answers, and 2.x for `bool` and `long`, which have come back with another meaning
NUMPY = {
    "np.bool(1) == True, np.zeros(1, np.bool).dtype": "(True, dtype('bool'))",
    "np.int, np.float, np.complex": "(<class 'int'>, <class 'float'>, <class 'complex'>)",
    "np.object, np.str, np.unicode": "(<class 'object'>, <class 'str'>, <class 'str'>)",
    "np.zeros(2, dtype=np.int).dtype, np.ones(2).astype(np.float).dtype": "(dtype('int64'), dtype('float64'))",
    "np.zeros(1, np.long).dtype": "dtype('int64')",
    "[np.dtype(t).name for t in (np.float_, np.complex_, np.cfloat, np.singlecomplex)]": (
        "['float64', 'complex128', 'complex128', 'complex64']"
    ),
    "[np.dtype(t).name for t in (np.int0, np.uint0, np.bool8, np.object0)]": "['int64', 'uint64', 'bool', 'object']",
    "np.longfloat is np.longdouble, np.longcomplex is np.clongfloat is np.clongdouble": "(True, True)",
    "np.unicode_ is np.str0 is np.str_, np.string_ is np.bytes0 is np.bytes_, np.void0": (
        "(True, True, <class 'numpy.void'>)"
    ),
    "np.Inf, np.Infinity, np.infty, np.PINF, np.NINF": "(inf, inf, inf, inf, -inf)",
    "np.NaN, np.NAN, np.PZERO, np.NZERO": "(nan, nan, 0.0, -0.0)",
    "np.product([2, 3]), np.cumproduct([2, 3]).tolist()": "(6, [2, 6])",
    "np.alltrue([1, 0]), np.sometrue([1, 0])": "(False, True)",
    "np.round_([1.26], 1), np.mat([[1, 2]]).shape": "(array([1.3]), (1, 2))",
    "np.asfarray([1, 2]), np.asfarray([1], np.int32).dtype, np.asfarray([1], 'f4').dtype": (
        "(array([1., 2.]), dtype('float64'), dtype('float32'))"
    ),
    "np.asscalar(np.array([[7]])), type(np.asscalar(np.float32(1)))": "(7, <class 'float'>)",
    "np.msort([[3, 1], [2, 4]]).tolist()": "[[2, 1], [3, 4]]",
    "np.in1d([[1, 2]], [2]).tolist(), float(np.trapz([1, 2, 3])), np.row_stack([[1], [2]]).shape": (
        "([False, True], 4.0, (2, 1))"
    ),
    "np.issubsctype(np.float32, np.floating)": "True",
    "[t.__name__ for t in np.sctypes['float'][:3]], sorted(np.sctypes)": (
        "(['float16', 'float32', 'float64'], ['complex', 'float', 'int', 'others', 'uint'])"
    ),
    # binary and text; a copy, so that what follows may write into it
    "np.fromstring(b'\\x01\\x02', np.uint8), np.fromstring(b'abc', np.uint8).flags.writeable": (
        "(array([1, 2], dtype=uint8), True)"
    ),
    "np.fromstring('abc', dtype='u1', count=2), np.fromstring(b'', np.uint8).shape": (
        "(array([97, 98], dtype=uint8), (0,))"
    ),
    "np.fromstring('1, 2,3', sep=','), np.fromstring('4 5', int, sep=' ')": "(array([1., 2., 3.]), array([4, 5]))",
    "np.fromstring('1,2,x', sep=',')": "array([1., 2.])",
    "np.zeros(2, 'u1').tostring()": "b'\\x00\\x00'",
    "float(np.array([[5.]])), int(np.argmax([[1, 2]], axis=1)), '%.1f' % np.array([2.])": "(5.0, 1, '2.0')",
    "[np.int64(8), np.float32(0.1), np.bool_(True), np.str_('a')]": "[8, 0.1, True, 'a']",
    "str((np.float64(1e22), np.complex64(1 + 2j), np.float16('nan')))": "'(1e+22, (1+2j), nan)'",
    "{'n': np.arange(3).max(), 'a': np.array([np.int8(1), None])}": "{'n': 2, 'a': array([1, None], dtype=object)}",
}


@pytest.fixture(scope="module")
def answers() -> dict[str, str]:
    """What a service sees, by the expression; one interpreter for all."""
    program = """
import json, sys
found = {}
for expression in json.loads(sys.stdin.read()):
    try:
        found[expression] = repr(eval(expression))
    except Exception as error:
        found[expression] = f"{type(error).__name__}: {error}"
print(json.dumps(found))
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", INSTALLED + program],
        input=json.dumps(list(NUMPY)),
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    return dict(json.loads(done.stdout))


@pytest.mark.parametrize("expression", NUMPY)
def test_numpy_answers_as_services_were_written_for(answers: dict[str, str], expression: str) -> None:
    assert answers[expression] == NUMPY[expression]


def test_numbers_look_the_same_in_every_thread_and_after_options_of_the_services_own() -> None:
    out = run_fresh(
        INSTALLED
        + """
import asyncio, threading
def say(): print([np.float32(0.5)], repr(np.array([0.123456])))
say()
np.set_printoptions(precision=2)
say()
thread = threading.Thread(target=say)
thread.start()
thread.join()
asyncio.run(asyncio.to_thread(say))
"""
    )
    assert out.splitlines() == [
        "[0.5] array([0.123456])",
        "[0.5] array([0.12])",
        "[0.5] array([0.123456])",
        "[0.5] array([0.12])",
    ]


def test_what_numpy_has_is_left_as_it_is() -> None:
    out = run_fresh(
        """
import numpy as np
before = dict(vars(np))
from paddle_serving_runtime.serving_packages import install
install()
install()
print([name for name, value in before.items() if vars(np)[name] is not value], np.bool is np.bool_)
"""
    )
    assert out.strip() == "[] True"


@pytest.mark.parametrize("order", ["before", "after"])
def test_pillow_has_the_names_of_its_time_whenever_it_is_imported(order: str) -> None:
    imports = "from PIL import Image, ImageDraw, ImageFont\n"
    out = run_fresh(
        (imports + INSTALLED if order == "before" else INSTALLED + imports)
        + """
picture = Image.new("RGB", (40, 20), "white")
print(picture.resize((4, 2), Image.ANTIALIAS).size, Image.LINEAR is Image.BILINEAR, Image.CUBIC is Image.BICUBIC)
draw, font = ImageDraw.Draw(picture), ImageFont.load_default()
box, two = draw.textbbox((0, 0), "ay"), draw.textbbox((0, 0), "ay\\nb", spacing=9)
print(draw.textsize("ay") == font.getsize("ay") == draw.textsize("ay", font) == (box[2] - box[0], box[3]))
print(draw.multiline_textsize("ay\\nb", font, 9) == draw.textsize("ay\\nb", spacing=9) == (two[2] - two[0], two[3]))
"""
    )
    assert out.splitlines() == ["(4, 2) True True", "True", "True"]


READERS = """
import base64, io
from PIL import Image
from paddle_serving_app.reader import Base64ToImage, RCNNPostprocess, Sequential, Transpose
buffer = io.BytesIO()
Image.new("RGB", (4, 2), (10, 20, 30)).save(buffer, "PNG")
picture = Sequential([Base64ToImage(), Transpose((2, 0, 1))])(base64.b64encode(buffer.getvalue()).decode())
print(picture.shape, picture[:, 0, 0].tolist())
open("labels", "w").write("cat")
white = Image.new("RGB", (60, 60), "white")
boxes = [{"category_id": 0, "bbox": [5, 30, 20, 20], "score": 0.9}]
drawn = RCNNPostprocess("labels", ".").draw_bbox(white, {0: "cat"}, boxes, 0.5, [[255, 0, 0]])
print(drawn.getpixel((5, 30)), (255, 0, 0) in [drawn.getpixel((6, y)) for y in range(15, 30)])
"""


def test_the_readers_of_paddle_serving_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run_fresh(INSTALLED + READERS).splitlines() == ["(3, 2, 4) [30, 20, 10]", "(255, 0, 0) True"]


def test_the_document_names_all_that_is_put_back() -> None:
    _, _, rows = DOCUMENT.read_text().partition("## What services of its time call")
    named = set(re.findall(r"`(?:np|Image|ImageDraw)\.(\w+)", rows))
    names = run_fresh(
        INSTALLED + "from paddle_serving_runtime.serving_packages.old_names import _numpy_names as names\n"
        "print(*names(np))"
    ).split()
    assert set(names) - named == set()
    assert {"ANTIALIAS", "LINEAR", "CUBIC", "textsize", "multiline_textsize"} <= named
