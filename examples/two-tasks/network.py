"""The network that ../export.py exports: what a customer bought and who it is in, clicks, buys and interests out."""

import paddle
from paddle.nn.functional import relu, softmax

INPUTS = {"items": ([None, 8], "int64"), "profile": ([None, 6], "float32")}
# Two outputs have the same shape on purpose: taking one for the other must show.
# Width of the embedding: its fan-in is the catalogue, which would leave all customers nearly alike.
SCALES = {"embedding.weight": 20}


class TwoTasks(paddle.nn.Layer):
    def __init__(self):
        super().__init__()
        self.embedding = paddle.nn.Embedding(1000, 16)
        self.shared = paddle.nn.Linear(16 + 6, 32)
        self.click = paddle.nn.Linear(32, 2)
        self.buy = paddle.nn.Linear(32, 2)
        self.interest = paddle.nn.Linear(32, 4)

    def forward(self, items, profile):
        history = self.embedding(items).mean(axis=1)
        shared = relu(self.shared(paddle.concat([history, profile], axis=1)))
        return softmax(self.click(shared)), softmax(self.buy(shared)), softmax(self.interest(shared))


def network():
    return TwoTasks()
