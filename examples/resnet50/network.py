"""The network that ../export.py exports: ResNet-50 of paddle.vision with a softmax behind it."""

import paddle

INPUTS = {"inputs": ([None, 3, 224, 224], "float32")}
# The last normalization of a residual block: with 1, sixteen sums in a row leave a softmax of 0 and 1.
SCALES = {"bn3.weight": 0.2}


def network():
    return paddle.nn.Sequential(paddle.vision.models.resnet50(num_classes=1000), paddle.nn.Softmax())
