"""Requests for both servers, with the ids of the differences that each must show (docs/compatibility.md)."""

import json
from dataclasses import dataclass
from typing import Any

from images.serving.tests.process.differential.conftest import GOOD
from images.serving.tests.services import ROW

X = ",".join(map(str, ROW))
FAILED = ("http-status", "error-text")
"""What every failed request shows."""


@dataclass(frozen=True)
class Case:
    """A request; `path` is that of the service where it is empty."""

    name: str
    body: bytes
    differences: tuple[str, ...] = ()
    service: str = "commands"
    path: str = ""
    content_encoding: str = ""


def fields(differences: tuple[str, ...] = (), service: str = "commands", name: str = "", **pairs: str) -> Case:
    keys = [key.replace("_", " ") if key == "pipeline_profile" else key for key in pairs]
    body = json.dumps({"key": keys, "value": list(pairs.values())}).encode()
    return Case(name or " ".join(f"{key}={value[:24]}" for key, value in pairs.items()), body, differences, service)


def do(command: str, *differences: str, x: str = X) -> Case:
    return fields(differences, name=command, x=x, do=command)


def tensor(name: str, *differences: str, **parts: Any) -> Case:  # noqa: ANN401 - whatever JSON can say
    body = json.dumps({"tensors": [{"name": "t", **parts}]}).encode()
    return Case(f"tensor {name}", body, differences)


def raw(name: str, body: bytes, *differences: str, path: str = "", service: str = "commands") -> Case:
    return Case(name, body, differences, service, path)


def types(a: list[list[int]] | None, elem_type: int = 0, field: str = "int64_data") -> bytes:
    """A request for the model with three inputs, of which `a` is the first; the others have two rows."""
    tensors: list[dict[str, Any]] = [
        {"name": "b", "elem_type": 1, "shape": [2, 2], "float_data": [0.5, 1.5, 2.5, 3.5]},
        {"name": "c", "elem_type": 9, "shape": [2, 2], "bool_data": [True, False, True, True]},
    ]
    if a is not None:
        flat = [number for row in a for number in row]
        tensors = [{"name": "a", "elem_type": elem_type, "shape": [len(a), 2], field: flat}, *tensors]
    return json.dumps({"tensors": tensors}).encode()


GOOD_CASES = (
    fields(name="a price", x=X),
    fields(name="two prices", x=f"{X},{X}"),
    do("skip"),
    do("skip 1"),
    do("feed batch"),
    do("feed batch of two", x=f"{X},{X}"),
    do("feed float64"),
    do("feed lod", "stray-lod"),
    do("feed empty list", *FAILED),
    do("post empty"),
    do("post array"),
    do("post arrays"),
    *map(do, ("post list of text", "run", "new loop", "post run", "post new loop")),
    do("post unicode", "json-escapes"),
    do("post markup", "json-escapes"),
    do("order"),
    do("ids"),
    fields(name="extra keys", x=X, y="1", z=""),
    fields(name="unicode", do="describe", häuser="房价 🏠 \u2028\x00\x7f", empty=""),
    fields(name="profile", do="describe", pipeline_profile="1"),
    raw(
        "the profile key",
        json.dumps({"key": ["do", "pipeline.profile"], "value": ["describe", "1"]}).encode(),
        "profile",
    ),
    raw("any method", GOOD, path="/housing/whatever"),
    raw("log id", json.dumps({"key": ["x", "do"], "value": [X, "ids"], "logid": 77}).encode()),
    raw("log id as text", json.dumps({"key": ["x", "do"], "value": [X, "ids"], "logid": "78"}).encode()),
    raw("unknown fields", json.dumps({"key": ["x"], "value": [X], "nothing": {"a": [1]}}).encode()),
    raw("values past the keys", json.dumps({"key": ["x"], "value": [X, "more"]}).encode()),
    raw("the same key twice", json.dumps({"key": ["x", "x"], "value": ["1", X]}).encode()),
    raw("the same field twice", b'{"key": ["y"], "key": ["x"], "value": ["' + X.encode() + b'"]}'),
    raw("null fields", json.dumps({"key": ["x"], "value": [X], "tensors": None, "logid": None}).encode()),
    raw("an empty object", b"{}"),
    raw("white space", b" \r\n\t" + GOOD + b"\n"),
    raw("name in the body", json.dumps({"key": ["x"], "value": [X], "name": "other", "method": "m"}).encode()),
    raw("escapes", b'{"key": ["d\\u006f", "t"], "value": ["describe", "\\ud83c\\udfe0\\/"]}'),
    raw("a byte order mark", b"\xef\xbb\xbf" + GOOD, "gateway-error"),
    raw("a lone surrogate", b'{"key": ["do", "t"], "value": ["describe", "\\ud800"]}', "json-strict"),
    raw("invalid UTF-8", b'{"key": ["do", "t"], "value": ["describe", "\xff"]}', "json-strict"),
    raw("text after the object", GOOD + b"{}", "json-strict"),
    raw("garbage after the object", GOOD + b"xyz", "json-strict"),
    raw(
        "camel case",
        b'{"tensors": [{"name": "t", "elemType": 1, "shape": [1], "floatData": [2]}]}',
    ),
)

TENSORS = (
    *(
        tensor(f"of elem_type {code}", elem_type=code, shape=[1, 2], **{field: values})
        for code, field, values in (
            (0, "int64_data", [1, -(2**63)]),
            (1, "float_data", [0.1, -1e-40]),
            (2, "int_data", [1, -(2**31)]),
            (3, "float64_data", [0.1, 1e300]),
            (4, "int_data", [1, -32768]),
            (5, "float_data", [0.5, 65504]),
            (6, "uint32_data", [1, 65535]),
            (7, "uint32_data", [1, 255]),
            (8, "int_data", [1, -128]),
            (9, "bool_data", [True, False]),
        )
    ),
    tensor("with integers as text", elem_type=0, shape=[2], int64_data=["1", "-9223372036854775808"]),
    tensor("with special floats", elem_type=1, shape=[3], float_data=["NaN", "Infinity", "-Infinity"]),
    tensor("with a free dimension", elem_type=1, shape=[-1, 2], float_data=[1, 2, 3, 4]),
    tensor("without shape", elem_type=1, float_data=[1]),
    tensor("of no elements", elem_type=1, shape=[0]),
    tensor("of no elements in two dimensions", elem_type=1, shape=[0, 4], float_data=[]),
    tensor("with LoD", elem_type=0, shape=[2], int64_data=[1, 2], lod=[0, 1, 1, 2]),
    tensor("of text", elem_type=12, str_data=["ab", "房"]),
    tensor("of no text", elem_type=12),
    tensor("without elem_type", shape=[1], int64_data=[3]),
    tensor("with null data", *FAILED, elem_type=1, shape=[1], float_data=None),
    tensor("with another type's data", elem_type=1, shape=[1], float_data=[1], int64_data=[7]),
    tensor("with exponents for integers", "gateway-error", elem_type=0, shape=[1], int64_data=[1e2]),
    raw(
        "two tensors",
        json.dumps(
            {
                "tensors": [
                    {"name": "b", "elem_type": 1, "shape": [1], "float_data": [1]},
                    {"name": "a", "elem_type": 0, "shape": [1], "int64_data": [2]},
                ]
            }
        ).encode(),
    ),
    raw(
        "two tensors of one name",
        json.dumps(
            {
                "tensors": [
                    {"name": "t", "elem_type": 1, "shape": [1], "float_data": [1]},
                    {"name": "t", "elem_type": 0, "shape": [1], "int64_data": [2]},
                ]
            }
        ).encode(),
    ),
    raw(
        "a tensor and a key of one name",
        json.dumps(
            {"key": ["t"], "value": ["k"], "tensors": [{"name": "t", "elem_type": 0, "shape": [1], "int64_data": [2]}]}
        ).encode(),
    ),
    raw(
        "a tensor without a name",
        json.dumps({"tensors": [{"elem_type": 0, "shape": [1], "int64_data": [2]}]}).encode(),
        "tensor-strict",
    ),
)

BAD_TENSORS = (
    tensor("of complex numbers", *FAILED, elem_type=10, shape=[1]),
    tensor("of an unknown type", *FAILED, elem_type=99, shape=[1]),
    tensor("of a negative type", *FAILED, elem_type=-1, shape=[1]),
    tensor("with type as a name", "gateway-error", elem_type="FP32", shape=[1], float_data=[1]),
    tensor("too short", *FAILED, elem_type=1, shape=[2], float_data=[1]),
    tensor("too long", *FAILED, elem_type=1, shape=[1], float_data=[1, 2]),
    tensor("with a negative shape", "tensor-strict", elem_type=1, shape=[-2], float_data=[1, 2]),
    tensor("with two free dimensions", *FAILED, elem_type=1, shape=[-1, -1], float_data=[1, 2]),
    tensor("with a shape past 32 bits", "gateway-error", elem_type=1, shape=[2**40], float_data=[1]),
    tensor("with a shape of text", "gateway-error", elem_type=1, shape=["a"], float_data=[1]),
    tensor("with a shape as text numbers", elem_type=1, shape=["1"], float_data=[1]),
    tensor("with text for floats", "gateway-error", elem_type=1, shape=[1], float_data=["a"]),
    tensor("with numbers as text for floats", "proto-json", elem_type=1, shape=[1], float_data=["1.5"]),
    tensor("with null for a float", "proto-json", elem_type=1, shape=[1], float_data=[None]),
    tensor("with nested floats", "gateway-error", elem_type=1, shape=[1], float_data=[[1]]),
    tensor("with a scalar for a list", "gateway-error", elem_type=1, shape=[1], float_data=1),
    tensor("with a float past its type", "gateway-error", elem_type=1, shape=[1], float_data=[1e39]),
    tensor("with a half past its type", "tensor-strict", elem_type=5, shape=[1], float_data=[1e6]),
    tensor("with fractions for integers", "gateway-error", elem_type=0, shape=[1], int64_data=[1.5]),
    tensor("with an integer past 64 bits", "gateway-error", elem_type=0, shape=[1], int64_data=[2**64]),
    tensor("with an int8 past its type", "tensor-strict", elem_type=8, shape=[1], int_data=[300]),
    tensor("with a uint8 past its type", "tensor-strict", elem_type=7, shape=[1], uint32_data=[256]),
    tensor("with a negative uint8", "gateway-error", elem_type=7, shape=[1], uint32_data=[-1]),
    tensor("with numbers for bools", "bool-as-number", elem_type=9, shape=[1], bool_data=[1]),
    tensor("with two for a bool", "gateway-error", elem_type=9, shape=[1], bool_data=[2]),
    tensor("with odd LoD", *FAILED, elem_type=0, shape=[1], int64_data=[1], lod=[0, 1, 2]),
    tensor("with numbers as text", "gateway-error", elem_type=12, str_data=[1]),
    raw("tensors that are no list", b'{"tensors": {"name": "t"}}', "gateway-error"),
    raw("a tensor that is no object", b'{"tensors": [1]}', "gateway-error"),
)

BAD_REQUESTS = (
    raw("nothing", b"", "json-strict"),
    raw("a brace", b"{", "gateway-error"),
    raw("a list", b"[]", "gateway-error"),
    raw("a number", b"7", "gateway-error"),
    raw("null", b"null", "json-strict"),
    raw("text", b"hello", "gateway-error"),
    raw("bytes", bytes(range(256)), "gateway-error"),
    raw("single quotes", b"{'key': ['x']}", "gateway-error"),
    raw("a trailing comma", b'{"key": ["x",], "value": ["1"]}', "gateway-error"),
    raw("NaN in the JSON", b'{"logid": NaN}', "gateway-error"),
    raw("a deep list", b"[" * 40 + b"]" * 40, "gateway-error"),
    raw("fewer values than keys", b'{"key": ["x", "y"], "value": ["1"]}', *FAILED),
    raw("no value", b'{"key": ["x"]}', *FAILED),
    raw("keys that are no list", b'{"key": "x", "value": "1"}', "gateway-error"),
    raw("keys that are numbers", b'{"key": [1], "value": ["1"]}', "gateway-error"),
    raw("values that are numbers", b'{"key": ["x"], "value": [1]}', "gateway-error"),
    raw("values that are null", b'{"key": ["x"], "value": [null]}', "json-strict"),
    raw("a log id that is text", b'{"logid": "seven"}', "gateway-error"),
    raw("a log id past 64 bits", b'{"logid": 18446744073709551616}', "gateway-error"),
    raw("a log id with a fraction", b'{"logid": 1.5}', "gateway-error"),
    raw("a log id that is whole as a float", b'{"logid": 7.0}', "gateway-error"),
    raw("another service", GOOD, *FAILED, path="/nothing/prediction"),
    raw("a path too short", GOOD, "gateway-error", path="/housing"),
    raw("a path too long", GOOD, "gateway-error", path="/housing/prediction/more"),
    raw("the root", GOOD, "gateway-error", path="/"),
    raw("the name of serve", GOOD, "model-name", path="/svc/prediction"),
)

FAILURES = (
    do("raise", *FAILED),
    do("custom", *FAILED),
    do("pre code", "http-status"),
    do("pre code text", *FAILED, "error-code-0"),
    do("pre code 0", "http-status", "error-code-0"),
    do("three", *FAILED),
    do("none", *FAILED),
    do("feed none", *FAILED),
    do("feed text", *FAILED),
    do("feed list of text", *FAILED, "type-error-code"),
    do("feed name", *FAILED),
    do("feed extra", *FAILED),
    do("feed number", *FAILED),
    do("feed shape", *FAILED),
    do("feed no rows"),
    do("feed flat", *FAILED),
    do("post raise", *FAILED),
    do("post path", *FAILED),
    do("post custom", *FAILED),
    do("post code", "http-status"),
    do("post code 0", "http-status", "error-code-0"),
    do("post two", *FAILED),
    do("post none", *FAILED),
    do("post list", *FAILED),
    do("post text", *FAILED),
    do("post number", *FAILED),
    do("post bytes", *FAILED),
    do("post mixed", *FAILED),
    do("post key number", "key-as-text"),
    do("post surrogate", *FAILED, "type-error-code"),
    fields(FAILED, name="no numbers", x="a,b"),
    fields(FAILED, name="no text", x=""),
    fields(FAILED, name="the wrong number of values", x="1,2,3"),
    fields(name="not a number", x=",".join(["nan"] * 13)),
    fields(name="infinite", x=",".join(["inf"] * 13)),
)

GRAPHS = (
    fields(service="graph", name="one row through two Ops", x=X),
    fields(service="graph", name="three rows through two Ops", x=";".join([X] * 3)),
    fields(("http-status",), service="graph", name="a code of the second Op", x=";".join([X] * 4)),
    fields(FAILED, service="graph", name="an error of the first Op", fail="out of order"),
    fields(FAILED, service="graph", name="a row too short for the first Op", x=f"{X};1,2"),
    fields(FAILED, service="graph", name="no row for the first Op"),
    Case("inputs of three types", types([[1, 2], [3, 4]]), service="types"),
    Case("a batch of the first input only", types([[1, 2]]), ("whole-outputs",), service="types"),
    Case("an input of another type", types([[1, 2], [3, 4]], elem_type=2, field="int_data"), service="types"),
    Case("an input too few", types(None), FAILED, service="types"),
    fields(("old-postprocess",), service="old", name="postprocess without data_id", x=X),
)

CASES = (*GOOD_CASES, *TENSORS, *BAD_TENSORS, *BAD_REQUESTS, *FAILURES, *GRAPHS)
