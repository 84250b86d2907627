"""From a page and a box to the line of text in it."""

import numpy as np

FRACTIONS = 32  # of a pixel, where a turned box is sampled
UPRIGHT = 1.5  # height over width of a line that runs down


def line_size(box):
    """(width, height) of the line in a box, once it runs to the right."""
    width, height = box_size(box)
    return (height, width) if height / width >= UPRIGHT else (width, height)


def box_size(box):
    """(width, height) in whole pixels, of the longer of opposite sides."""
    sides = np.linalg.norm(box - np.roll(box, -1, axis=0), axis=1)
    return int(max(sides[0], sides[2])), int(max(sides[1], sides[3]))


def crop(image, box):
    """uint8 [H, W, 3]: what is in a box of int [4, 2], upright; a line that runs down is turned to run to the right."""
    width, height = box_size(box)
    target = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float64)
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    places = np.stack([x, y, np.ones_like(x)], axis=-1) @ projection(target, box.astype(np.float64)).T
    line = sample(image, places[..., 0] / places[..., 2], places[..., 1] / places[..., 2])
    return np.rot90(line) if height / width >= UPRIGHT else line


def projection(source, target):
    """float64 [3, 3] that maps the four corners of `source` to those of `target` (homogeneous coordinates)."""
    rows, values = [], []
    for (x, y), (u, v) in zip(source, target, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    return np.append(np.linalg.solve(np.array(rows), np.array(values)), 1.0).reshape(3, 3)


def sample(image, x, y):
    """uint8 [..., 3] at places to 1/32 of a pixel: cubic among sixteen pixels, those of the border repeated outside."""
    x, y = np.rint(x * FRACTIONS) / FRACTIONS, np.rint(y * FRACTIONS) / FRACTIONS
    left, top = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
    total = np.zeros((*x.shape, 3))
    for row, down in zip(range(-1, 3), cubic(y - top), strict=True):
        for column, across in zip(range(-1, 3), cubic(x - left), strict=True):
            pixels = image[np.clip(top + row, 0, image.shape[0] - 1), np.clip(left + column, 0, image.shape[1] - 1)]
            total += pixels * (down * across)[..., None]
    return np.clip(np.rint(total), 0, 255).astype(np.uint8)


def cubic(fraction):
    """Weights of the four pixels around a place, by cubic convolution with -0.75 (Keys 1981)."""
    near, far = [fraction, 1 - fraction], [1 + fraction, 2 - fraction]
    inner = [(1.25 * t - 2.25) * t * t + 1 for t in near]
    outer = [((-0.75 * t + 3.75) * t - 6) * t + 3 for t in far]
    return [outer[0], inner[0], inner[1], outer[1]]
