"""The generations of configurations, told apart by their keys: the banner in line 1 is the same in most. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

LATER_SCRIPT = "test_serving_infer_python.sh"


@dataclass(frozen=True)
class Generation:
    """`refusal` says what a generation needs that is not here, as the end of a sentence; empty where it runs."""

    name: str
    refusal: str = ""


MODELS = Generation("G2 (PaddlePaddle/models, PaddleSeg)")
CLAS = Generation("G2 (PaddleClas)")
OCR = Generation("G3 (PaddleOCR 2022)")
SHITU = Generation(
    "G2 (PaddleClas, PP-ShiTu)",
    "two models behind one service and a search index of faiss, which is neither an Op nor a model. "
    "Test each of the two models with a configuration of its own",
)
DETECTION = Generation(
    "G3 (PaddleDetection)",
    "its own tools/export_model.py, run on weights that it downloads, in place of trans_model. Export the model, and "
    "test it with the 18 lines of test_serving.sh",
)
CPP = Generation(
    "of C++ serving", "Paddle Serving's C++ server, compiled with the model's own operator. Test the Python service"
)

SIGNS = (
    (("cpp_client", "proto_path", "--op"), CPP),
    (("cls_inference_model_url", "det_inference_model_url"), SHITU),
    (("norm_export", "infer_mode", "http_client"), DETECTION),
    (("--det_dirname", "--rec_dirname"), OCR),
    (("inference_model_url", "--use_gpu"), CLAS),
    (("--output_name", "--input_name"), MODELS),
)
"""Keys that one generation alone has; the first that is found counts."""

FIRST = {11: "web_service", 17: "pipline"}
"""Lines that the first generation alone has there; its last one may have any key."""

DEVICE_PREFIX = "--opt "
AFTER_WEB_SERVICE = 12


@dataclass(frozen=True)
class Recognised:
    """A generation, and the line and key by which it was recognised."""

    generation: Generation
    line: int
    key: str


def recognise(lines: Sequence[str]) -> Recognised | None:
    """The later generation that a configuration belongs to; None for the 18 lines of test_serving.sh."""
    keys = [line.partition(":")[0].strip() for line in lines]
    if all(keys[number - 1 : number] == [key] for number, key in FIRST.items()):
        return None
    for signs, generation in SIGNS:
        for number, key in enumerate(keys, start=1):
            if key in signs:
                return Recognised(generation, number, key)
    for number, (key, line) in enumerate(zip(keys, lines, strict=True), start=1):
        if line.strip().startswith(DEVICE_PREFIX) or (key == "pipline" and number == AFTER_WEB_SERVICE):
            return Recognised(MODELS, number, key)
    return None
