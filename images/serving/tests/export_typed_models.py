"""Exports models with inputs of every type into the folder that is given: python export_typed_models.py FOLDER.

program/<type>, pir/<type>   x <type> [N, 2], w float32 [N, 2] -> x twice <type> [N, 4] (uint8: x), float32 [N, 3]
lod/                         x float32 [N, 2] with a LoD -> its sums over every sequence, float32 [N, 3] with the LoD
conv/                        x float32 [N, 3, height, width] -> float32 [N, 5], in Paddle 3's .json form
text/                        text -> its numbers int64 [N, longest], segments int64 [N, longest]; it knows "hello world"
"""

import sys
from pathlib import Path
from typing import Any

import paddle
from paddle.base.core import VarDesc
from paddle.pir_utils import OldIrGuard

TYPES = ["int64", "int32", "int16", "int8", "uint8", "bool", "float64", "float32", "float16", "bfloat16", "complex64"]
WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "hello", "world")


def typed(name: str) -> Any:  # noqa: ANN401 - paddle has no types
    x = paddle.static.data("x", [None, 2], name)
    # the check of concat spells uint8 "unit8"
    return x, paddle.cast(paddle.cast(x, "int32"), name) if name == "uint8" else paddle.concat([x, x], axis=1)


def export_type(folder: Path, name: str) -> None:
    main, startup = paddle.static.Program(), paddle.static.Program()
    with paddle.static.program_guard(main, startup):
        x, twice = typed(name)
        w = paddle.static.data("w", [None, 2], "float32")
        scores = paddle.static.nn.fc(w, 3)
    save(folder, [x, w], [twice, scores], main, startup)


def export_lod(folder: Path) -> None:
    main, startup = paddle.static.Program(), paddle.static.Program()
    with paddle.static.program_guard(main, startup):
        x = paddle.static.data("x", [None, 2], "float32", lod_level=1)
        total = paddle.static.nn.sequence_lod.sequence_pool(x, "sum")
        scores = paddle.static.nn.fc(x, 3)
    save(folder, [x], [total, scores], main, startup)


def export_conv(folder: Path) -> None:
    main, startup = paddle.static.Program(), paddle.static.Program()
    with paddle.static.program_guard(main, startup):
        x = paddle.static.data("x", [None, 3, None, None], "float32")
        stem = (paddle.nn.Conv2D(3, 8, 3, padding=1), paddle.nn.BatchNorm2D(8), paddle.nn.ReLU())
        pooled = (paddle.nn.Conv2D(8, 16, 3, stride=2), paddle.nn.AdaptiveAvgPool2D(1), paddle.nn.Flatten())
        network = paddle.nn.Sequential(*stem, *pooled, paddle.nn.Linear(16, 5))
        network.eval()
        scores = network(x)
    save(folder, [x], [scores], main, startup)


def save(folder: Path, feeds: list[Any], fetches: list[Any], main: object, startup: object) -> None:
    executor = paddle.static.Executor()
    executor.run(startup)
    paddle.static.save_inference_model(str(folder / "inference"), feeds, fetches, executor, program=main)


def export_text(folder: Path) -> None:
    """By hand: Paddle 3.3.1 has no way to export an operator on text, but runs it."""
    kind = VarDesc.VarType
    folder.mkdir()
    paddle.static.global_scope().var("vocab").set_vocab({word: number for number, word in enumerate(WORDS)})
    saving, program = paddle.static.Program(), paddle.static.Program()
    block = saving.global_block()
    vocab = block.create_var(name="vocab", type=kind.VOCAB, persistable=True)
    path = {"file_path": str(folder / "inference.pdiparams")}
    block.append_op(type="save_combine", inputs={"X": [vocab]}, outputs={"Y": block.create_var(name="y")}, attrs=path)
    paddle.static.Executor().run(saving)
    block = program.global_block()
    feed = block.create_var(name="feed", type=kind.FEED_MINIBATCH, persistable=True)
    fetch = block.create_var(name="fetch", type=kind.FETCH_LIST, persistable=True)
    text = block.create_var(name="text", type=kind.STRINGS)
    vocab = block.create_var(name="vocab", type=kind.VOCAB, persistable=True)
    numbers, segments = (block.create_var(name=name, dtype="int64") for name in ("numbers", "segments"))
    block.append_op(type="feed", inputs={"X": [feed]}, outputs={"Out": [text]}, attrs={"col": 0})
    block.append_op(
        type="faster_tokenizer",
        inputs={"Vocab": [vocab], "Text": [text]},
        outputs={"InputIds": [numbers], "SegmentIds": [segments]},
        attrs={"do_lower_case": True, "max_seq_len": 0, "pad_to_max_seq_len": False, "is_split_into_words": False},
    )
    for column, output in enumerate((numbers, segments)):
        block.append_op(type="fetch", inputs={"X": [output]}, outputs={"Out": [fetch]}, attrs={"col": column})
    (folder / "inference.pdmodel").write_bytes(program.desc.serialize_to_string())


if __name__ == "__main__":
    target = Path(sys.argv[1])
    paddle.seed(0)
    paddle.enable_static()
    for each in TYPES:
        export_type(target / "pir" / each, each)
    export_conv(target / "conv")
    with OldIrGuard():
        for each in TYPES:
            export_type(target / "program" / each, each)
        export_lod(target / "lod")
        export_text(target / "text")
