"""From a picture to a classifier's input, and from its output to a class. The service and infer.py share this file."""

import base64
import io

import numpy as np
from PIL import Image

SHORT_SIDE = 256
CROP = 224
MEAN = np.array([0.485, 0.456, 0.406], dtype=np.float32)
STD = np.array([0.229, 0.224, 0.225], dtype=np.float32)


def preprocess(text):
    """float32 [3, 224, 224] from a base64 picture: short side to 256, centre crop, ImageNet mean and deviation."""
    image = Image.open(io.BytesIO(base64.b64decode(text))).convert("RGB")
    scale = SHORT_SIDE / min(image.size)
    image = image.resize((int(image.width * scale), int(image.height * scale)), Image.Resampling.BILINEAR)
    left, top = (image.width - CROP) // 2, (image.height - CROP) // 2
    pixels = np.asarray(image.crop((left, top, left + CROP, top + CROP)), dtype=np.float32)
    return ((pixels / np.float32(255) - MEAN) / STD).transpose(2, 0, 1)


def best_classes(probabilities):
    """(class, probability) lists of float32 [N, classes]; a probability is the shortest decimal that is the float32."""
    classes = probabilities.argmax(axis=1)
    best = [probabilities[row, label] for row, label in enumerate(classes)]
    return classes.tolist(), [float(str(value)) for value in best]
