"""From a picture to PP-OCRv4's detector, and from its output to boxes. The service and infer.py share this file."""

import numpy as np
from boxes import Settings, find_boxes
from pictures import resize

SHORTEST = 736
MULTIPLE = 32
SETTINGS = Settings(threshold=0.3, box_threshold=0.5, growth=1.6, thicken=True)


def preprocess(image):
    """float32 [1, 3, H, W] in -1..1, sides multiples of 32, the shorter one at least 736 pixels."""
    height, width = image.shape[:2]
    scale = max(SHORTEST / min(height, width), 1.0)
    height, width = (round(int(side * scale) / MULTIPLE) * MULTIPLE for side in (height, width))
    pixels = (resize(image, width, height).astype(np.float32) * (1 / 255) - 0.5) / 0.5
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)[np.newaxis], dtype=np.float32)


def postprocess(probability, image):
    """int32 [N, 4, 2] in pixels of the picture, of float32 [1, 1, H, W]."""
    return find_boxes(probability[0, 0], image.shape[1], image.shape[0], SETTINGS)
