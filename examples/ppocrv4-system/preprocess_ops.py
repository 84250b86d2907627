"""Before and behind the two networks of PP-OCRv4. web_service.py and infer.py share this file unchanged.

Every number is that of the pipeline in rapidocr-paddle, so that a page has the same lines there and here.
"""

import math

import numpy as np
from boxes import Settings, find_boxes
from crop import crop, line_size
from ctc import greedy_decode
from pictures import resize

SHORTEST, MULTIPLE = 736, 32
SETTINGS = Settings(threshold=0.3, box_threshold=0.5, growth=1.6, thicken=True)
HEIGHT, NARROWEST = 48, 320
TOGETHER = 6  # lines in one run of the recognizer
UNREADABLE = 0.5  # a line with a lower score is left out


def detector_input(image):
    """float32 [1, 3, H, W] in -1..1, sides multiples of 32, the shorter one at least 736 pixels."""
    height, width = image.shape[:2]
    scale = max(SHORTEST / min(height, width), 1.0)
    height, width = (round(int(side * scale) / MULTIPLE) * MULTIPLE for side in (height, width))
    pixels = (resize(image, width, height).astype(np.float32) * (1 / 255) - 0.5) / 0.5
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)[np.newaxis], dtype=np.float32)


def boxes_of(probability, image):
    """int32 [N, 4, 2] in pixels of the page, of float32 [1, 1, H, W]."""
    return find_boxes(probability[0, 0], image.shape[1], image.shape[0], SETTINGS)


def groups(boxes):
    """Which lines the recognizer reads in one run: up to six, narrow ones first, as lists of their indices."""
    ratios = [width / height for width, height in map(line_size, boxes)]
    order = np.argsort(np.array(ratios)).tolist()
    return [order[start : start + TOGETHER] for start in range(0, len(order), TOGETHER)]


def recognizer_input(image, boxes):
    """float32 [N, 3, 48, W] in -1..1, the lines in these boxes; narrower ones than the widest are filled up with 0."""
    lines = [crop(image, box) for box in boxes]
    ratios = [line.shape[1] / line.shape[0] for line in lines]
    filled = np.zeros((len(lines), 3, HEIGHT, int(HEIGHT * max(NARROWEST / HEIGHT, *ratios))), dtype=np.float32)
    for target, line, ratio in zip(filled, lines, ratios, strict=True):
        width = min(math.ceil(HEIGHT * ratio), filled.shape[3])
        pixels = (resize(line, width, HEIGHT).astype(np.float32) / 255 - np.float32(0.5)) / np.float32(0.5)
        target[:, :, :width] = pixels.transpose(2, 0, 1)
    return filled


def page(boxes, outputs, characters):
    """{"text", "score", "boxes"}: lists with an element for each line, of the recognizer's output for each group."""
    lines = {}
    for group, probabilities in zip(groups(boxes), outputs, strict=True):
        lines.update(zip(group, (greedy_decode(line, characters) for line in probabilities), strict=True))
    read = [index for index in sorted(lines) if lines[index][1] >= UNREADABLE]
    return {
        "text": [lines[index][0] for index in read],
        "score": [lines[index][1] for index in read],
        "boxes": [boxes[index].astype(float).tolist() for index in read],
    }
