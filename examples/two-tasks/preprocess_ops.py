"""From a customer to two inputs, and from three outputs to an answer. The service and infer.py share this file."""

import numpy as np

ITEMS, PROFILE = 8, 6
CATALOGUE = 1000


def preprocess(items, profile):
    """int64 [1, 8] and float32 [1, 6] from two texts of numbers; fewer items are filled up with 0.

    Raises ValueError for another number of numbers, and for an item that is not in the catalogue.
    """
    ids = [int(number) for number in items.split(",")]
    numbers = [float(number) for number in profile.split(",")]
    if len(ids) > ITEMS or not all(0 <= item < CATALOGUE for item in ids):
        raise ValueError(f"items: send up to {ITEMS} numbers below {CATALOGUE}, separated by commas")
    if len(numbers) != PROFILE:
        raise ValueError(f"profile: send {PROFILE} numbers, separated by commas")
    ids += [0] * (ITEMS - len(ids))
    return np.array([ids], dtype=np.int64), np.array([numbers], dtype=np.float32)


def postprocess(click, buy, interest):
    """The answer as {name: list}, each number the shortest decimal that is the float32."""
    rows = {"click": click, "buy": buy, "interest": interest}
    return {name: [float(str(value)) for value in array[0]] for name, array in rows.items()}
