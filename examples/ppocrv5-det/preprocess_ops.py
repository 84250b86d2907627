"""From a picture to PP-OCRv5's detector, and from its output to boxes. The service and infer.py share this file.

The numbers are those of the model's own inference.yml.
"""

import numpy as np
from boxes import Settings, find_boxes
from pictures import resize

LONGEST = 960
MULTIPLE = 32
MEAN, DEVIATION = np.array([0.485, 0.456, 0.406], np.float32), np.array([0.229, 0.224, 0.225], np.float32)
SETTINGS = Settings(threshold=0.3, box_threshold=0.6, growth=1.5, thicken=False)


def preprocess(image):
    """float32 [1, 3, H, W], normalized; sides multiples of 32, the longer one at most 960 pixels."""
    height, width = image.shape[:2]
    scale = min(LONGEST / max(height, width), 1.0)
    height, width = (max(round(side * scale / MULTIPLE), 1) * MULTIPLE for side in (height, width))
    pixels = (resize(image, width, height).astype(np.float32) / np.float32(255) - MEAN) / DEVIATION
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)[np.newaxis])


def postprocess(probability, image):
    """int32 [N, 4, 2] in pixels of the picture, of float32 [1, 1, H, W]."""
    return find_boxes(probability[0, 0], image.shape[1], image.shape[0], SETTINGS)
