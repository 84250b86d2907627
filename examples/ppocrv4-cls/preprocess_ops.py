"""From a picture of a line to the classifier of its direction, and from its output to a label. Shared with infer.py."""

import numpy as np
from pictures import decode_image, resize

HEIGHT, WIDTH = 48, 192
LABELS = ["0", "180"]


def preprocess(text):
    """float32 [3, 48, 192] in -1..1 of a base64 picture, the right end filled up with 0."""
    image = decode_image(text)
    width = min(-(-HEIGHT * image.shape[1] // image.shape[0]), WIDTH)
    pixels = (resize(image, width, HEIGHT).astype(np.float32) / 255 - np.float32(0.5)) / np.float32(0.5)
    filled = np.zeros((3, HEIGHT, WIDTH), dtype=np.float32)
    filled[:, :, :width] = pixels.transpose(2, 0, 1)
    return filled


def postprocess(probabilities):
    """({label: degrees by which the line is turned, score} lists) of float32 [N, 2]."""
    best = probabilities.argmax(axis=1)
    scores = [float(str(probabilities[row, label])) for row, label in enumerate(best)]
    return {"label": [LABELS[label] for label in best], "score": scores}
