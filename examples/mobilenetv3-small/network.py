"""The network that ../export.py exports: MobileNetV3-small of paddle.vision with a softmax behind it."""

import paddle

INPUTS = {"inputs": ([None, 3, 224, 224], "float32")}


def network():
    return paddle.nn.Sequential(paddle.vision.models.mobilenet_v3_small(num_classes=1000), paddle.nn.Softmax())
