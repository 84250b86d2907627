"""The gRPC port: messages and methods made to hurt."""

import struct
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from images.serving.tests.object_loaders import CONTENTS
from images.serving.tests.process.hostile import http2
from images.serving.tests.process.hostile.conftest import GOOD, MAX_BODY, assert_tells_nothing
from images.serving.tests.process.hostile.grpc_calls import GOOD_CALL, INFER, ROW, ask, infer
from images.serving.tests.services import ROW as X
from paddle_serving_runtime.protocol.open_inference.messages import MESSAGES as OPEN_INFERENCE
from paddle_serving_runtime.protocol.paths import PIPELINE_INFERENCE
from paddle_serving_runtime.protocol.pipeline.messages import MESSAGES as PIPELINE

if TYPE_CHECKING:
    from images.serving.tests.process.hostile.conftest import Target

REFUSALS = {grpc.StatusCode[name] for name in ("INVALID_ARGUMENT", "NOT_FOUND", "RESOURCE_EXHAUSTED", "UNIMPLEMENTED")}


def assert_refused_by_pipeline(target: "Target", message: bytes, *codes: int) -> None:
    """The pipeline protocol says what is wrong within an answer."""
    status, details, answer = ask(target, PIPELINE_INFERENCE, message)
    assert_tells_nothing(details.encode() + answer)
    if status is grpc.StatusCode.OK:
        assert PIPELINE["Response"].FromString(answer).err_no in (codes or (8000,))
    else:
        assert status in REFUSALS, (status, details)


def assert_refused_by_open_inference(target: "Target", message: bytes) -> None:
    status, details, _ = ask(target, INFER, message)
    assert status in REFUSALS, (status, details)
    assert details
    assert_tells_nothing(details.encode())


def test_the_calls_of_this_test_are_right_but_for_what_they_try(target: "Target") -> None:
    status, _, answer = ask(target, PIPELINE_INFERENCE, GOOD_CALL)
    assert status is grpc.StatusCode.OK
    assert PIPELINE["Response"].FromString(answer).err_no == 0
    status, _, answer = ask(target, INFER, infer())
    assert status is grpc.StatusCode.OK
    (raw,) = OPEN_INFERENCE["ModelInferResponse"].FromString(answer).raw_output_contents
    assert struct.unpack("<f", raw) == pytest.approx((18.901152,))


def test_opaque_bytes_are_never_read_as_objects(target: "Target") -> None:
    before = target.loaded()
    for content in CONTENTS:
        for elem_type in (13, 12, 1):
            tensor = {"name": "x", "elem_type": elem_type, "byte_data": content, "shape": [1]}
            assert_refused_by_pipeline(target, PIPELINE["Request"](tensors=[tensor]).SerializeToString(), 8000, 10000)
        sized = struct.pack("<I", len(content)) + content
        for model in ("price", "svc"):
            # bytes are bytes: not a tensor of numbers, and for the Op no text that it can read
            status, details, _ = ask(target, INFER, infer(model, [sized], datatype="BYTES", shape=[1]))
            assert status is not grpc.StatusCode.OK
            assert_tells_nothing(details.encode())
    assert target.loaded() == before


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\x00",
        b"\xff" * 1000,
        GOOD,
        GOOD_CALL[:-1],
        b"\x0a\xff\xff\xff\xff\x0f",
        b"\x0a\x02\xff\xfe",
        bytes(range(0xFF, 0xBF, -1)),
        b"\x1b" * 200,
    ],
    ids=lambda message: f"{len(message)} bytes {message[:6]!r}",
)
def test_what_is_no_message_is_refused(target: "Target", message: bytes) -> None:
    assert_refused_by_pipeline(target, message, 5000, 8000, 10000)
    assert_refused_by_open_inference(target, message)


@pytest.mark.parametrize(
    "tensor",
    [
        {"elem_type": 13},
        {"elem_type": 10},
        {"elem_type": 2**31 - 1},
        {"elem_type": -1},
        {"elem_type": 1, "shape": [2**31 - 1, 2**31 - 1, 2**31 - 1]},
        {"elem_type": 1, "shape": [-1, -1], "float_data": X},
        {"elem_type": 1, "shape": [-13], "float_data": X},
        {"elem_type": 1, "shape": [1, 14], "float_data": X},
        {"elem_type": 1, "shape": [1] * 100_000, "float_data": X[:1]},
        {"elem_type": 1, "shape": [1, 13], "float64_data": X},
        {"elem_type": 8, "shape": [13], "int_data": [300] * 13},
        {"elem_type": 7, "shape": [13], "uint32_data": [2**32 - 1] * 13},
        {"elem_type": 1, "shape": [1, 13], "float_data": X, "lod": [1, 2, 3]},
        {"elem_type": 1, "shape": [1, 13], "float_data": X, "name": ""},
    ],
    ids=lambda tensor: repr(tensor)[:60],
)
def test_a_tensor_that_lies_is_refused(target: "Target", tensor: dict[str, Any]) -> None:
    assert_refused_by_pipeline(target, PIPELINE["Request"](tensors=[{"name": "x"} | tensor]).SerializeToString())


def test_limits_of_a_request(target: "Target") -> None:
    many = PIPELINE["Request"](key=["k"] * 1025, value=["v"] * 1025).SerializeToString()
    assert_refused_by_pipeline(target, many)
    assert_refused_by_pipeline(target, PIPELINE["Request"](tensors=[{"name": "x"}] * 257).SerializeToString())
    for method in (PIPELINE_INFERENCE, INFER):
        status, details, _ = ask(target, method, b"\x0a" * (MAX_BODY + 1))
        assert status is grpc.StatusCode.RESOURCE_EXHAUSTED, details


def test_a_compressed_message_past_the_limit_is_not_unpacked(target: "Target") -> None:
    for compression in (grpc.Compression.Gzip, grpc.Compression.Deflate):
        for method in (PIPELINE_INFERENCE, INFER):
            status, details, _ = ask(target, method, bytes(MAX_BODY + 1), compression)
            assert status in (grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNIMPLEMENTED), details


@pytest.mark.parametrize(
    "message",
    [
        infer("nothing"),
        infer(""),
        infer("price/../svc"),
        infer("x" * 100_000),
        infer(name="y"),
        infer(name=""),
        infer(datatype="FP64"),
        infer(datatype="BYTES"),
        infer(datatype=""),
        infer(datatype="OBJECT"),
        infer(datatype="FP32" * 10_000),
        infer(shape=[-1, 13]),
        infer(shape=[1, 14]),
        infer(shape=[2**32, 2**32]),
        infer(shape=[2**63 - 1]),
        infer(shape=[-(2**63)]),
        infer(shape=[13]),
        infer(shape=[0, 13]),
        infer(shape=[]),
        infer(shape=[1] * 10_000),
        infer(raw=[]),
        infer(raw=[b""]),
        infer(raw=[ROW.tobytes()[:-1]]),
        infer(raw=[ROW.tobytes() + b"\x00"]),
        infer(raw=[ROW.tobytes()] * 2),
        infer(raw=[b""] * 10_000),
        infer(datatype="BYTES", shape=[1], raw=[b"\xff\xff\xff\xff"]),
        infer(datatype="BYTES", shape=[2], raw=[b"\x01\x00\x00\x00a"]),
        infer(datatype="BYTES", shape=[1], raw=[b"\x01\x00\x00\x00ab"]),
        infer("svc", datatype="BYTES", shape=[2**40], raw=[b""]),
        infer(contents={"fp32_contents": X}),
        infer(raw=[], contents={"fp32_contents": X[:-1]}),
        infer(raw=[], contents={"fp64_contents": X}),
        infer(raw=[], contents={"int64_contents": [1] * 13}),
    ],
    ids=lambda message: f"{len(message)} bytes {message[-30:]!r}",
)  # fmt: skip
def test_an_inference_that_lies_is_refused(target: "Target", message: bytes) -> None:
    assert_refused_by_open_inference(target, message)


@pytest.mark.parametrize(
    "method",
    [
        "/",
        "//",
        "/a",
        "/a/b",
        f"{PIPELINE_INFERENCE}/",
        f"{PIPELINE_INFERENCE}2",
        "/inference.GRPCInferenceService/",
        "/inference.GRPCInferenceService/RepositoryModelLoad",
        "/svc/prediction",
        "/v2/models/price/infer",
        "/../../srv/other",
        "/" + "a" * 5000,
        "/\u623f/b",
    ],
    ids=lambda method: method[:30],
)
def test_an_unknown_method_is_unimplemented(target: "Target", method: str) -> None:
    answer = http2.exchange(target.grpc_port, http2.call(http2.head(method), b"\x00\x00\x00\x00\x00"))
    assert http2.grpc_status(answer) in (5, 12), answer
    assert_tells_nothing(answer)
