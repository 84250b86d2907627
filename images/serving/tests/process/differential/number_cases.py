"""Numbers at the ends of their types, and what looks like one."""

import gzip
import json
import zlib

from images.serving.tests.process.differential.conftest import GOOD
from images.serving.tests.process.differential.corpus import FAILED, Case, X, raw, tensor

LARGEST_FLOAT = 3.4028234663852886e38
FULL_WIDTH = "\uff11\uff12"


def int64(value: object, *differences: str) -> Case:
    return tensor(f"with {value!r} for an int64", *differences, elem_type=0, shape=[1], int64_data=[value])


def int32(value: object, *differences: str) -> Case:
    return tensor(f"with {value!r} for an int32", *differences, elem_type=2, shape=[1], int_data=[value])


def float32(value: object, *differences: str) -> Case:
    return tensor(f"with {value!r} for a float32", *differences, elem_type=1, shape=[1], float_data=[value])


def boolean(value: object, *differences: str) -> Case:
    return tensor(f"with {value!r} for a bool", *differences, elem_type=9, shape=[1], bool_data=[value])


def null(field: str, *differences: str) -> Case:
    parts = {"elem_type": 1, "shape": [1], "float_data": [1], field: None}
    return tensor(f"with null for {field}", *differences, **parts)


def log_id(value: object, *differences: str) -> Case:
    body = json.dumps({"key": ["x", "do"], "value": [X, "ids"], "logid": value}).encode()
    return raw(f"the log id {value!r}", body, *differences)


def encoded(name: str, body: bytes, encoding: str, *differences: str) -> Case:
    return Case(name, body, differences, content_encoding=encoding)


WHOLE = (
    *(int64(value) for value in (2**53 + 1, -(2**53) - 1, 2**63 - 1, -(2**63), str(2**53 + 1), str(2**63 - 1), "-0")),
    *(float32(value) for value in (LARGEST_FLOAT, -LARGEST_FLOAT, 3.4028235e38)),
    *(null(field) for field in ("shape", "lod", "str_data")),
    null("elem_type", *FAILED),
    tensor("with null for no elements", elem_type=1, shape=[0], float_data=None),
    log_id("-5"),
    log_id(str(2**63 - 1)),
)

PAST_THEIR_TYPE = (
    int64(str(2**63), "gateway-error"),
    int32(2**31, "gateway-error"),
    tensor("with an int16 past its type", "tensor-strict", elem_type=4, shape=[1], int_data=[-32769]),
    tensor("with bits past 16", "tensor-strict", elem_type=6, shape=[1], uint32_data=[65536]),
    tensor("with an unsigned integer past 32 bits", "gateway-error", elem_type=7, shape=[1], uint32_data=[2**32]),
    tensor("with 1e39 beside infinity", "gateway-error", elem_type=1, shape=[2], float_data=["Infinity", 1e39]),
    tensor("with 70000 beside infinity", "tensor-strict", elem_type=5, shape=[2], float_data=["Infinity", 7e4]),
    tensor("with 1e400 as text", "gateway-error", elem_type=3, shape=[1], float64_data=["1e400"]),
)

NO_NUMBERS = (
    *(
        int64(value, "gateway-error")
        for value in (True, "true", "1_000", FULL_WIDTH, "0x10", "1e2", "1.0", "+5", "007", "", 1.0, 1e300)
    ),
    *(int64(value, "proto-json") for value in (" 5", "5 ", None)),
    *(int32(value, "gateway-error") for value in (True, "1_0", 1.0)),
    *(int32(value, "proto-json") for value in ("5", None)),
    *(
        float32(value, "gateway-error")
        for value in (True, False, "1_0.5", FULL_WIDTH, "inf", "nan", "infinity", "+Infinity", "0x1p3", "1e39", "")
    ),
    *(boolean(value, "gateway-error") for value in ("true", "1", 1.0)),
    boolean(None, "proto-json"),
    tensor("with true in its LoD", "gateway-error", elem_type=0, shape=[1], int64_data=[1], lod=[0, True]),
    tensor("with an object for LoD", "gateway-error", elem_type=0, shape=[1], int64_data=[1], lod={}),
    tensor("with true for a dimension", "gateway-error", elem_type=0, shape=[True], int64_data=[1]),
    tensor("with 1_0 for a dimension", "gateway-error", elem_type=0, shape=["1_0"], int64_data=[1] * 10),
    *(log_id(value, "gateway-error") for value in ("+5", "007", "1_0", FULL_WIDTH, True, "1e2")),
)

ENCODED = (
    encoded("an encoding that is none", GOOD, "identity"),
    encoded("gzip", gzip.compress(GOOD, mtime=0), "gzip", "content-encoding"),
    encoded("deflate", zlib.compress(GOOD), "deflate", "content-encoding"),
    encoded("an encoding that is not known", GOOD, "br", "content-encoding"),
    encoded("an encoding that is not true", GOOD, "gzip", "content-encoding"),
)

NUMBERS = (*WHOLE, *PAST_THEIR_TYPE, *NO_NUMBERS)
