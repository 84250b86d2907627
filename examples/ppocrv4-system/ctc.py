"""From the network's output to text. web_service.py and infer.py share this file unchanged."""

from pathlib import Path

BLANK = 0


def load_characters(path):
    """The characters in the order of the network's classes: class 0 is CTC's blank, the last one is a space."""
    return ["", *Path(path).read_text(encoding="utf-8").splitlines(), " "]


def greedy_decode(probabilities, characters):
    """(text, score) of one line; probabilities is float32 [T, classes], score the mean of the kept characters' values.

    Raises ValueError where the dictionary belongs to another network.
    """
    if probabilities.shape[1] != len(characters):
        raise ValueError(f"the network has {probabilities.shape[1]} classes, the dictionary {len(characters)}")
    best = probabilities.argmax(axis=1)
    kept = [step for step, label in enumerate(best) if label != BLANK and (step == 0 or label != best[step - 1])]
    if not kept:
        return "", 0.0
    text = "".join(characters[best[step]] for step in kept)
    return text, float(probabilities[kept, best[kept]].mean())
