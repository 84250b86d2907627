"""From a picture to the network's input, from its output to areas. The service and infer.py share this file."""

import base64
import io

import numpy as np
from PIL import Image

LONGEST = 1024


def preprocess(text):
    """float32 [1, 3, H, W] in -1..1 from a base64 picture, in its own size. Raises ValueError for what is none."""
    try:
        image = Image.open(io.BytesIO(base64.b64decode(text, validate=True))).convert("RGB")
    except (ValueError, OSError) as error:
        raise ValueError("image: not a base64 picture that Pillow can read") from error
    if max(image.size) > LONGEST:
        raise ValueError(f"image: {image.width}x{image.height} is larger than {LONGEST}; make it smaller")
    pixels = np.asarray(image, dtype=np.float32) / np.float32(127.5) - np.float32(1)
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)[np.newaxis])


def areas(probabilities):
    """{"size": [H, W], "area": the share of each class} of float32 [1, classes, H, W]."""
    share = probabilities[0].mean(axis=(1, 2))
    return {"size": list(probabilities.shape[2:]), "area": [float(str(value)) for value in share]}
