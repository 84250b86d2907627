"""From the probability of text at every pixel to boxes around lines of text.

Differentiable binarization (Liao et al. 2020) shrinks text areas so that lines do not touch: each connected area
becomes its smallest rectangle, which is then grown again. Only outer borders of areas are looked at.
"""

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

SMALLEST = 3  # pixels of the shorter side
SAME_LINE = 10  # pixels between the tops of two boxes
ARC = 0.25  # how far a rounded corner may be from its circle


@dataclass(frozen=True)
class Settings:
    """`growth` is how far a box grows, times its area over its perimeter; `thicken` widens areas by a pixel first."""

    threshold: float
    box_threshold: float
    growth: float
    thicken: bool


def find_boxes(probability, width, height, settings):
    """int32 [N, 4, 2] in reading order: corners, clockwise from the upper left one, in a picture of that size."""
    mask = probability > settings.threshold
    if settings.thicken:
        mask[1:] |= mask[:-1].copy()
        mask[:, 1:] |= mask[:, :-1].copy()
    scale = np.array([width / mask.shape[1], height / mask.shape[0]])
    boxes = []
    for area in areas(mask):
        corners, side = smallest_rectangle(area)
        if side < SMALLEST or mean_inside(probability, corners) < settings.box_threshold:
            continue
        corners, side = smallest_rectangle(grown(corners, settings.growth))
        if side >= SMALLEST + 2:
            box = np.clip(np.round(corners * scale), 0, [width - 1, height - 1]).astype(np.int32)
            across, down = np.linalg.norm(box[0] - box[1]), np.linalg.norm(box[0] - box[3])
            if int(across) > SMALLEST and int(down) > SMALLEST:
                boxes.append(box)
    return np.array(in_reading_order(boxes), dtype=np.int32).reshape(-1, 4, 2)


def areas(mask):
    """int [N, 2] for each connected area, corners counting: the ends of its runs of pixels, which hold its outline."""
    parents, runs, previous = [], [], []

    def root(number):
        while parents[number] != number:
            parents[number] = number = parents[parents[number]]
        return number

    for y, row in enumerate(np.pad(mask, ((0, 0), (1, 1))).astype(np.int8)):
        steps = np.flatnonzero(np.diff(row)).tolist()
        current = []
        for first, last in zip(steps[::2], (step - 1 for step in steps[1::2]), strict=True):
            number = len(parents)
            parents.append(number)
            for other, left, right in previous:
                if left <= last + 1 and right >= first - 1:
                    parents[root(other)] = root(number)
            current.append((number, first, last))
            runs.append((number, y, first, last))
        previous = current
    found = {}
    for number, y, first, last in runs:
        found.setdefault(root(number), []).extend([(first, y), (last, y)])
    return [np.array(points) for points in found.values()]


def smallest_rectangle(points):
    """float [4, 2], clockwise from the upper left corner, and the length of the shorter side."""
    outline = hull(points)
    edges = np.roll(outline, -1, axis=0) - outline
    lengths = np.hypot(edges[:, 0], edges[:, 1])
    if len(outline) < 3:  # noqa: PLR2004 - a line has no area
        return outline[[0, -1, -1, 0]].astype(float), 0.0
    along = edges / lengths[:, None]
    across = np.stack([-along[:, 1], along[:, 0]], axis=1)
    spans = [outline @ axis.T for axis in (along, across)]
    low, high = (np.stack([bound(span, axis=0) for span in spans]) for bound in (np.min, np.max))
    best = int(np.argmin(np.prod(high - low, axis=0)))
    (x0, y0), (x1, y1) = low[:, best], high[:, best]
    corners = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]]) @ np.stack([along[best], across[best]])
    return clockwise(corners), float(min(x1 - x0, y1 - y0))


def hull(points):
    """The convex hull's corners in order."""
    ordered = sorted(set(map(tuple, points.tolist())))
    halves = []
    for side in (ordered, ordered[::-1]):
        half = []
        for x, y in side:
            while len(half) > 1 and turn(half[-2], half[-1], (x, y)) <= 0:
                half.pop()
            half.append((x, y))
        halves += half[:-1] or half
    return np.array(halves)


def turn(a, b, c):
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def clockwise(corners):
    """The two on the left and the two on the right, each from top to bottom, put in a circle."""
    ordered = corners[np.argsort(corners[:, 0], kind="stable")]
    left, right = (pair[np.argsort(pair[:, 1], kind="stable")] for pair in (ordered[:2], ordered[2:]))
    return np.array([left[0], right[0], right[1], left[1]])


def mean_inside(probability, corners):
    """The mean probability in a rectangle, its border included."""
    low = np.clip(np.floor(corners.min(axis=0)).astype(int), 0, np.array(probability.shape)[::-1] - 1)
    high = np.clip(np.ceil(corners.max(axis=0)).astype(int), 0, np.array(probability.shape)[::-1] - 1)
    stencil = Image.new("L", tuple((high - low + 1).tolist()))
    ImageDraw.Draw(stencil).polygon(
        [tuple(corner) for corner in (corners - low).astype(int).tolist()], fill=1, outline=1
    )
    inside = np.asarray(stencil) > 0
    return float(probability[low[1] : high[1] + 1, low[0] : high[0] + 1][inside].mean(dtype=np.float64))


def grown(corners, growth):
    """int [N, 2]: the outline at a distance around a rectangle, with rounded corners, in whole pixels."""
    width, height = np.hypot(*(corners[1] - corners[0])), np.hypot(*(corners[3] - corners[0]))
    distance = width * height * growth / (2 * (width + height))
    whole = corners.astype(int)
    edges = np.roll(whole, -1, axis=0) - whole
    lengths = np.hypot(edges[:, 0], edges[:, 1])
    if not lengths.all():
        return whole
    normals = np.stack([edges[:, 1], -edges[:, 0]], axis=1) / lengths[:, None]
    steps = math.pi / math.acos(1 - min(ARC / distance, 1)) / (2 * math.pi)
    outline = []
    for corner, before, after in zip(whole, np.roll(normals, 1, axis=0), normals, strict=True):
        start = math.atan2(before[1], before[0])
        angle = math.atan2(before[0] * after[1] - before[1] * after[0], float(before @ after))
        number = max(round(steps * abs(angle)), 1)
        angles = start + np.arange(number) / (steps if number > 1 else 1) * math.copysign(1, angle)
        arc = np.stack([np.cos(angles), np.sin(angles)], axis=1)
        outline += [corner + arc * distance, (corner + after * distance)[None]]
    return np.floor(np.concatenate(outline) + 0.5).astype(int)


def in_reading_order(boxes):
    """From top to bottom, and from left to right where the tops of two neighbours are nearly level."""
    ordered = sorted(boxes, key=lambda box: (box[0][1], box[0][0]))
    for index in range(1, len(ordered)):
        for right in range(index, 0, -1):
            left = right - 1
            level = abs(ordered[right][0][1] - ordered[left][0][1]) < SAME_LINE
            if not level or ordered[right][0][0] >= ordered[left][0][0]:
                break
            ordered[left], ordered[right] = ordered[right], ordered[left]
    return ordered
