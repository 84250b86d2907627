"""The network that ../export.py exports: five classes for every pixel of a picture of any size."""

import paddle
from paddle.nn import BatchNorm2D, Conv2D, ReLU, Softmax, Upsample

INPUTS = {"image": ([None, 3, None, None], "float32")}


def network():
    return paddle.nn.Sequential(
        Conv2D(3, 16, 3, stride=2, padding=1),
        BatchNorm2D(16),
        ReLU(),
        Conv2D(16, 32, 3, stride=2, padding=1),
        BatchNorm2D(32),
        ReLU(),
        Conv2D(32, 5, 1),
        Upsample(scale_factor=4, mode="bilinear"),
        Softmax(axis=1),
    )
