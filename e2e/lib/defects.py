"""Defects, one of each kind, planted into a copy of an example's package: what must never get traffic.

Standard library alone: model.py plants them inside the cluster too, in the runtime image. A manifest is not written
here: with a new one no digest gives a defect away.
"""

from __future__ import annotations

import itertools
import math
import struct
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Variant = Callable[[Path], None]

OCR_PARAMETERS = "ocr_rec_server/inference.pdiparams"
CTC_CLASSES = 6625  # characters of PP-OCRv4 with blank and space
MORE_TO_COME = 0x80  # the highest bit of a byte of a varint


class DefectError(Exception):
    """The package is not as a defect needs it: the example has changed, and the defect must be adapted."""


def one_weight_changed(package: Path) -> None:
    """One float of the parameters is another one."""
    if (package / "uci_housing_model").is_dir():
        change_float(package / "uci_housing_model/fc_0.w_0", -5 * 4, lambda value: value + 0.5)
    else:
        parameters = package / OCR_PARAMETERS
        change_float(parameters, _ctc_bias(parameters).offset + 4 * 100, lambda value: value + 20)


def tensors_swapped(package: Path) -> None:
    """Two tensors of the same shape have changed places, as after an export with another order of layers."""
    parameters = package / OCR_PARAMETERS
    content = bytearray(parameters.read_bytes())
    first, second = _twins(bytes(content))
    one, other = (bytes(content[tensor.offset : tensor.end]) for tensor in (first, second))
    content[first.offset : first.end], content[second.offset : second.end] = other, one
    parameters.write_bytes(content)


def weights_rounded_to_half(package: Path) -> None:
    """Every weight has been a float16 once."""
    parameters = package / OCR_PARAMETERS
    content = bytearray(parameters.read_bytes())
    for tensor in tuple(_tensors(bytes(content))):
        count = tensor.size // 4
        values = struct.unpack_from(f"<{count}f", content, tensor.offset)
        halves = struct.unpack(f"<{count}e", struct.pack(f"<{count}e", *values))
        struct.pack_into(f"<{count}f", content, tensor.offset, *halves)
    parameters.write_bytes(content)


def weight_not_a_number(package: Path) -> None:
    """One float of the parameters is NaN."""
    parameters = package / OCR_PARAMETERS
    change_float(parameters, _ctc_bias(parameters).offset, lambda _: math.nan)


def params_truncated(package: Path) -> None:
    """The second half of the parameters is missing, as after a copy that was cut off."""
    parameters = package / OCR_PARAMETERS
    content = parameters.read_bytes()
    parameters.write_bytes(content[: len(content) // 2])


def channels_swapped(package: Path) -> None:
    """Preprocessing gives the network red, green, blue where it was trained on blue, green, red."""
    replace_once(package / "preprocess_ops.py", "dtype=np.float32)[:, :, ::-1]", "dtype=np.float32)")


def pixels_not_scaled(package: Path) -> None:
    """Preprocessing gives the network 0..255 where it was trained on -1..1."""
    replace_once(package / "preprocess_ops.py", "(bgr / np.float32(255) -", "(bgr -")


def resized_by_another_library(package: Path) -> None:
    """Pictures are made smaller as OpenCV's INTER_LINEAR does it, from the nearest pixels alone; Pillow takes all."""
    old = "    resized = image.resize((max(width, MIN_WIDTH), HEIGHT), Image.Resampling.BILINEAR)\n"
    file = package / "preprocess_ops.py"
    replace_once(file, old, "    resized = from_nearest_pixels(np.asarray(image), max(width, MIN_WIDTH), HEIGHT)\n")
    file.write_text(file.read_text(encoding="utf-8") + FROM_NEAREST_PIXELS, encoding="utf-8")


FROM_NEAREST_PIXELS = """

def from_nearest_pixels(pixels, width, height):
    for axis, size in ((0, height), (1, width)):
        length = pixels.shape[axis]
        places = np.clip((np.arange(size) + 0.5) * length / size - 0.5, 0, length - 1)
        before = np.floor(places).astype(int)
        share = (places - before).reshape((-1, 1, 1) if axis == 0 else (1, -1, 1))
        after = np.minimum(before + 1, length - 1)
        pixels = pixels.take(before, axis) * (1 - share) + pixels.take(after, axis) * share
    return np.round(pixels)
"""


def input_cast_lost(package: Path) -> None:
    """Pixels are subtracted as bytes: what should be below zero wraps round."""
    file = package / "preprocess_ops.py"
    replace_once(file, "dtype=np.float32)[:, :, ::-1]", "dtype=np.uint8)[:, :, ::-1]")
    old = "(bgr / np.float32(255) - np.float32(0.5)) / np.float32(0.5)"
    replace_once(file, old, "(bgr - np.uint8(128)) / np.float32(128)")


def characters_shifted(package: Path) -> None:
    """The dictionary is off by one: every letter comes out as its neighbour."""
    replace_once(package / "ctc.py", '["", *Path', '["", " ", *Path')
    replace_once(package / "ctc.py", '.splitlines(), " "]', ".splitlines()]")


def answers_not_repeatable(package: Path) -> None:
    """An Op adds a little noise, as one does that was left in its mode for training."""
    old = "        scores = [score for _, score in lines]\n"
    noise = "        scores = [score * (1 - random.uniform(1e-9, 1e-6)) for _, score in lines]\n"
    file = package / "web_service.py"
    replace_once(file, old, noise)
    replace_once(file, "import json\n", "import json\nimport random\n")


def state_kept(package: Path) -> None:
    """Right for as many requests as there are golden samples; every later one gets the answer before it."""
    old = "        texts = [text for text, _ in lines]"
    keep = "        self.kept = [*getattr(self, 'kept', []), lines]"
    use = "        lines = self.kept[-1] if len(self.kept) <= 3 else self.kept[-2]"
    replace_once(package / "web_service.py", old, f"{keep}\n{use}\n{old}")


def requests_mixed_up(package: Path) -> None:
    """The serving engine gives a request the answer to the one before it; the service's own code is right."""
    file = package / "web_service.py"
    file.write_text(file.read_text(encoding="utf-8").replace("import json\n", MIXED_UP, 1), encoding="utf-8")


MIXED_UP = """import json
import sys

if "paddle_serving_runtime.worker" in sys.orig_argv:
    from paddle_serving_runtime.engine.direct import DirectEngine

    infer, waiting = DirectEngine.infer, []

    def one_late(self, calls):
        waiting.append(infer(self, calls))
        return waiting.pop(0) if len(waiting) > 1 else waiting[0]

    DirectEngine.infer = one_late
"""


def aliases_swapped(package: Path) -> None:
    """two-tasks: the prototxt has two outputs of the same type and shape in each other's place."""
    fetches = (("softmax_1.tmp_0", 2), ("softmax_0.tmp_0", 2), ("softmax_2.tmp_0", 4))
    feeds = (("items", 0, 8), ("profile", 1, 6))
    lines = [_variable("feed", name, kind, size) for name, kind, size in feeds]
    lines += [_variable("fetch", name, 1, size) for name, size in fetches]
    (package / "tasks_server/serving_server_conf.prototxt").write_text("".join(lines), encoding="utf-8")


def _variable(kind: str, name: str, number: int, size: int) -> str:
    names = f'  name: "{name}"\n  alias_name: "{name}"\n  is_lod_tensor: false\n'
    return f"{kind}_var {{\n{names}  {kind}_type: {number}\n  shape: {size}\n}}\n"


DEFECTS: dict[str, tuple[Variant, ...]] = {
    "ocr-rec": (
        one_weight_changed,
        tensors_swapped,
        weights_rounded_to_half,
        weight_not_a_number,
        params_truncated,
        channels_swapped,
        pixels_not_scaled,
        resized_by_another_library,
        input_cast_lost,
        characters_shifted,
        answers_not_repeatable,
        state_kept,
        requests_mixed_up,
    ),
    "two-tasks": (aliases_swapped,),
    "uci-housing": (one_weight_changed,),
}
"""By the example whose package they are for."""


def replace_once(file: Path, old: str, new: str) -> None:
    """Replaces the only place of a text. Raises DefectError where there is none, or more than one."""
    text = file.read_text(encoding="utf-8")
    if text.count(old) != 1:
        raise DefectError(f"{file}: {old!r} stands there {text.count(old)} times, not once; adapt it to the example")
    file.write_text(text.replace(old, new), encoding="utf-8")


def change_float(file: Path, offset: int, change: Callable[[float], float]) -> None:
    """Changes the little-endian float32 at `offset`, from the end where it is negative."""
    content = bytearray(file.read_bytes())
    position = offset % len(content)
    (value,) = struct.unpack_from("<f", content, position)
    struct.pack_into("<f", content, position, change(value))
    file.write_bytes(content)


class Tensor(NamedTuple):
    """Where the data of a tensor is in a combined parameter file, in bytes."""

    offset: int
    size: int
    dimensions: tuple[int, ...]

    @property
    def end(self) -> int:
        """The first byte after it."""
        return self.offset + self.size


def _ctc_bias(parameters: Path) -> Tensor:
    """The network's last bias: the one vector with an element for every character."""
    for tensor in _tensors(parameters.read_bytes()):
        if tensor.dimensions == (CTC_CLASSES,):
            return tensor
    raise DefectError(f"{parameters}: no vector of {CTC_CLASSES} floats; adapt the defect to the example")


def _twins(content: bytes) -> tuple[Tensor, Tensor]:
    """The first two matrices of the same shape."""
    matrices = [tensor for tensor in _tensors(content) if len(tensor.dimensions) > 1]
    for one, other in itertools.combinations(matrices, 2):
        if one.dimensions == other.dimensions:
            return one, other
    raise DefectError("no two matrices of the same shape; adapt the defect to the example")


def _tensors(content: bytes) -> Iterator[Tensor]:
    """Every tensor of a combined parameter file, all of them float32.

    Paddle's SerializeToStream: a version, the level of detail, a version, the length of a description, the description
    (protobuf: type and dimensions), the data.
    """
    position = 0
    while position < len(content):
        (length,) = struct.unpack_from("<i", content, position + 16)
        description = content[position + 20 : position + 20 + length]
        dimensions = _dimensions(description)
        tensor = Tensor(position + 20 + length, math.prod(dimensions) * 4, dimensions)
        yield tensor
        position = tensor.end


def _dimensions(description: bytes) -> tuple[int, ...]:
    """Field 2 of the description, repeated varints; field 1 is the type, always one byte here."""
    numbers, position = [], 2
    while position < len(description):
        position += 1
        value = shift = 0
        while True:
            byte = description[position]
            value |= (byte & ~MORE_TO_COME) << shift
            position, shift = position + 1, shift + 7
            if not byte & MORE_TO_COME:
                break
        numbers.append(value)
    return tuple(numbers)
