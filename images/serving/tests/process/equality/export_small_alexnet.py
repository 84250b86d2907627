"""Exports a network like AlexNet, but small, into the folder that is given: x float32 [N, 3, 32, 32] -> [N, 10]."""

import sys

import paddle
from paddle.pir_utils import OldIrGuard


def network() -> paddle.nn.Layer:
    layers = [paddle.nn.Conv2D(3, 16, 5, stride=2, padding=2), paddle.nn.ReLU(), paddle.nn.MaxPool2D(3, 2)]
    layers += [paddle.nn.Conv2D(16, 32, 3, padding=1), paddle.nn.ReLU(), paddle.nn.MaxPool2D(3, 2), paddle.nn.Flatten()]
    layers += [paddle.nn.Dropout(0.5), paddle.nn.Linear(32 * 3 * 3, 64), paddle.nn.ReLU(), paddle.nn.Linear(64, 10)]
    return paddle.nn.Sequential(*layers, paddle.nn.Softmax())


def main(folder: str) -> None:
    main_program, startup = paddle.static.Program(), paddle.static.Program()
    with paddle.static.program_guard(main_program, startup):
        x = paddle.static.data("x", [None, 3, 32, 32], "float32")
        layers = network()
        layers.eval()
        scores = layers(x)
    executor = paddle.static.Executor()
    executor.run(startup)
    paddle.static.save_inference_model(f"{folder}/inference", [x], [scores], executor, program=main_program)


if __name__ == "__main__":
    paddle.seed(0)
    with OldIrGuard():
        paddle.enable_static()
        main(sys.argv[1])
