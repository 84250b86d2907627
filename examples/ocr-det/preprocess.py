"""From a picture to the network's input: python preprocess.py PICTURE.png OUTPUT.npz

The golden samples are the pictures of ../ocr-rec/images, 32 pixels high.
"""

import sys

import numpy as np
from PIL import Image

HEIGHT, MULTIPLE = 32, 32
MEAN, DEVIATION = np.array([0.485, 0.456, 0.406], np.float32), np.array([0.229, 0.224, 0.225], np.float32)


def network_input(picture):
    """float32 [1, 3, 32, W], blue first, normalized as PP-OCRv5's inference.yml says; W is a multiple of 32."""
    width = max(MULTIPLE, round(picture.width * HEIGHT / picture.height / MULTIPLE) * MULTIPLE)
    pixels = np.asarray(picture.convert("RGB").resize((width, HEIGHT)), np.float32)[:, :, ::-1] / 255
    return np.ascontiguousarray(((pixels - MEAN) / DEVIATION).transpose(2, 0, 1)[np.newaxis], np.float32)


if __name__ == "__main__":
    source, target = sys.argv[1:]
    np.savez_compressed(target, x=network_input(Image.open(source)))
