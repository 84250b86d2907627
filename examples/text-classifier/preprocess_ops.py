"""From a text to the network's input, and from its output to a class. The service and infer.py share this file."""

import numpy as np

LENGTH = 64
RESERVED = 4  # ids of padding and of what else a tokenizer keeps for itself


def preprocess(text):
    """int64 [64]: the text's UTF-8 bytes as ids, cut or filled up with 0. Raises ValueError for an empty text."""
    content = text.strip().encode()[:LENGTH]
    if not content:
        raise ValueError("text: empty; send at least one character")
    ids = np.zeros(LENGTH, dtype=np.int64)
    ids[: len(content)] = np.frombuffer(content, dtype=np.uint8).astype(np.int64) + RESERVED
    return ids


def best_classes(probabilities):
    """(class, probability) lists of float32 [N, classes]; a probability is the shortest decimal that is the float32."""
    classes = probabilities.argmax(axis=1)
    best = [probabilities[row, label] for row, label in enumerate(classes)]
    return classes.tolist(), [float(str(value)) for value in best]
