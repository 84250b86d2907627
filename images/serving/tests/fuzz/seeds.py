"""Small inputs that the parsers read: what a fuzzer starts from. The tests hold them to that."""

import io
import json
import struct
import tarfile
import zipfile

import numpy as np

from paddle_serving_runtime.paddle_model.program.proto_form import MESSAGES as PROGRAM
from paddle_serving_runtime.protocol.open_inference.messages import MESSAGES as OPEN_INFERENCE
from paddle_serving_runtime.protocol.pipeline.messages import MESSAGES as PIPELINE

TYPES = ("BOOL", "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64", "FP32", "FP64")


def _json(message: object) -> bytes:
    return json.dumps(message).encode()


_PIPELINE_TENSORS = [
    {"name": "a", "elem_type": 0, "shape": [2], "int64_data": [1, "-2"]},
    {"name": "b", "elemType": 1, "shape": [-1, 1], "floatData": [1.5, "NaN"], "lod": [0, 2]},
    {"name": "c", "elem_type": 9, "shape": [], "bool_data": [True]},
    {"name": "d", "elem_type": 12, "str_data": ["text", "more"]},
    {"name": "f", "elem_type": 0, "shape": [2], "int64_data": [2**53 + 1, str(-(2**63))], "lod": None},
    {"name": "g", "elem_type": 5, "shape": [150], "float_data": [0, 1, 65504] * 50},
]
PIPELINE_JSON = (
    _json({"key": ["x"], "value": ["1,2,3"], "logid": 7, "method": "prediction"}),
    *(_json({"tensors": [tensor]}) for tensor in _PIPELINE_TENSORS),
    *(
        _json({"tensors": [{"name": "e", "elem_type": code, "shape": [1], field: [1]}]})
        for code, field in (
            (2, "int_data"),
            (3, "float64_data"),
            (5, "float_data"),
            (6, "uint32_data"),
            (8, "int_data"),
        )
    ),
)
PIPELINE_WORDS = (
    *("key", "value", "tensors", "logid", "name", "elem_type", "elemType", "shape", "lod", "str_data", "strData"),
    *("int64_data", "float_data", "int_data", "float64_data", "uint32_data", "bool_data", "byte_data"),
    *("pipeline.profile", "Infinity", "-Infinity", "NaN", "null", "true", "18446744073709551616", "1e400", "1_000"),
)

PIPELINE_GRPC = (
    PIPELINE["Request"](name="svc", key=["x"], value=["1,2,3"], logid=7).SerializeToString(),
    PIPELINE["Request"](
        tensors=[
            {"name": "a", "elem_type": 0, "shape": [2], "int64_data": [1, -2]},
            {"name": "b", "elem_type": 1, "shape": [-1, 1], "float_data": [1.5, 2], "lod": [0, 2]},
            {"name": "c", "elem_type": 5, "shape": [1], "float_data": [0.5]},
            {"name": "d", "elem_type": 12, "str_data": ["text"]},
            {"name": "e", "elem_type": 8, "shape": [1, 1], "int_data": [-128]},
            {"name": "f", "elem_type": 6, "shape": [1], "uint32_data": [65535]},
        ]
    ).SerializeToString(),
)

_X = {"name": "x", "datatype": "FP32", "shape": [1, 2], "data": [[0.5, "NaN"]]}
REST = (
    _json({"inputs": [_X], "id": "7", "outputs": [{"name": "x", "parameters": {"binary_data": True}}]}),
    _json({"inputs": [_X], "parameters": {"binary_data_output": True}}),
    _json({"inputs": [{"name": "t", "datatype": "BYTES", "shape": [1], "data": ["text"]}]}),
    _json({"inputs": [_X], "id": None, "parameters": None, "outputs": [{"name": "x", "parameters": None}] * 2}),
    _json({"inputs": [{"name": "x", "datatype": "UINT64", "shape": [2], "data": [2**64 - 1, str(2**63)]}]}),
    b'{"inputs":[{"name":"x","datatype":"FP64","shape":[2],"data":[NaN,-Infinity]}]}',
    *(_json({"inputs": [{"name": "x", "datatype": name, "shape": [2], "data": [0, 1]}]}) for name in TYPES),
)
REST_WORDS = (
    *("inputs", "outputs", "parameters", "id", "name", "datatype", "shape", "data", "BF16", "FP16", "BYTES", *TYPES),
    *("binary_data", "binary_data_size", "binary_data_output", "classification", "shared_memory_region"),
    *("sequence_id", "Infinity", "-Infinity", "NaN", "null", "true", "18446744073709551616", "1e400"),
)


def _binary(tensor: dict[str, object], data: bytes) -> bytes:
    sized = {**tensor, "parameters": {"binary_data_size": len(data)}}
    head = _json({"inputs": [sized], "parameters": {"binary_data_output": True}})
    return b"%d\n%b%b" % (len(head), head, data)


REST_BINARY = (
    _binary({"name": "x", "datatype": "FP16", "shape": [2, 1]}, bytes(4)),
    _binary({"name": "x", "datatype": "BOOL", "shape": [3]}, b"\0\1\0"),
    _binary({"name": "t", "datatype": "BYTES", "shape": [1]}, struct.pack("<I", 4) + b"text"),
    b"%d\n%b" % (len(REST[0]), REST[0]),
)

_TENSOR = {"name": "x", "datatype": "FP32", "shape": [2]}
OPEN_INFERENCE_GRPC = tuple(
    OPEN_INFERENCE["ModelInferRequest"](model_name="net", **fields).SerializeToString()
    for fields in (
        {"inputs": [_TENSOR], "raw_input_contents": [bytes(8)], "outputs": [{"name": "x"}], "id": "7"},
        {
            "inputs": [{**_TENSOR, "contents": {"fp32_contents": [1, 2]}}],
            "parameters": {"binary_data_output": {"bool_param": False}},
        },
        {"inputs": [{"name": "t", "datatype": "BYTES", "shape": [1], "contents": {"bytes_contents": [b"text"]}}]},
        {"inputs": [{"name": "x", "datatype": "INT8", "shape": [1, 1], "contents": {"int_contents": [-128]}}]},
        {"inputs": [{"name": "x", "datatype": "BOOL", "shape": [1]}], "raw_input_contents": [b"\1"]},
    )
)

NUMBERS = (
    b"\x009007199254740993,-9223372036854775808",
    b"\x01[0.5, -1e-3,\t3.4028235e38]",
    b"\x02-128, +127",
    b"\x03NaN, -Infinity,65504,1.",
    b"\x061,0",
    b"\x07.5",
)
NUMBER_WORDS = (
    "NaN",
    "Infinity",
    "-Infinity",
    "1_000",
    "\uff11",
    "0x10",
    "1e400",
    "inf",
    "true",
    "[",
    "]",
    ",",
    "999999",
)

HTTP = (
    b"\x07POST /svc/prediction HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}",
    b"\xffPOST /v2/models/net/infer?a=b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    b"\x40POST http://x/%73vc/prediction HTTP/1.0\r\nExpect: 100-continue\r\nContent-Type: application/grpc\r\n\r\n",
    b"\x01GET /v2 HTTP/1.1\r\nHost: x\r\n\r\nGET /v2/health/live HTTP/1.1\r\nHost: x\r\n\r\n",
)
HTTP_WORDS = (
    *("POST ", "GET ", " HTTP/1.1", "Content-Length: ", "Transfer-Encoding: chunked", "Connection: close", "Expect: "),
    *(
        "Upgrade: h2c",
        "Connection: Upgrade",
        "http://",
        "/v2/",
        "%00",
        "?",
        "Content-Type: application/grpc",
        "CONNECT ",
    ),
)

CONFIG_YML = (
    b"op: {uci: {local_service_conf: {client_type: local_predictor, model_config: model, devices: '0'}}}\n",
    b"dag: {is_thread_op: false}\nworker_num: 4\nop:\n  a: &a\n    concurrency: 2\n    batch_size: 4\n  b: *a\n",
    b"rpc_port: 9998\nhttp_port: 0x10\nop:\n  uci:\n    retry: 1\n    timeout: 1_0\n    a: [1.5, ~, 2024-01-31]\n",
)
CONFIG_WORDS = (
    *("op", "dag", "local_service_conf", "client_type", "model_config", "devices", "device_type", "batch_size"),
    *("auto_batching_timeout", "concurrency", "timeout", "retry", "is_thread_op", "build_dag_each_worker", "tracer"),
    *(
        "!!int ",
        "!!float ",
        "!!bool ",
        "!!timestamp ",
        "!!binary ",
        "!!set ",
        "!!omap ",
        "<<: ",
        "&a ",
    ),
    *(
        "*a",
        "---",
        "...",
        "? ",
        "|\n",
        ">\n",
        "%YAML 1.1",
        ".inf",
        "0b1",
        "0x",
        "1:2:3",
        "2001-12-14t21:59:43.10-05:00",
    ),
)

PROTOTXT = (
    b'feed_var {\n  name: "x"\n  alias_name: "a"\n  is_lod_tensor: false\n  feed_type: 1\n  shape: 13\n}\n',
    b'fetch_var {\n  name: "y"\n  alias_name: "b"\n  fetch_type: 20\n  shape: -1\n}\n',
)
PROTOTXT_WORDS = (
    *("feed_var", "fetch_var", "name: ", "alias_name: ", "is_lod_tensor: ", "feed_type: ", "fetch_type: ", "shape: "),
    *("shape: [1, 2]", "true", "\\377", "[type.googleapis.com/a.b] {}", "-2147483649", "inf", "0x"),
)

_PORT = {"type": 7, "dense_tensor": {"tensor": {"data_type": 5, "dims": [-1, 13]}, "lod_level": 0}}
PROGRAMS = (
    PROGRAM["ProgramDesc"](
        blocks=[
            {
                "vars": [{"name": "x", "type": _PORT}, {"name": "w", "type": _PORT, "persistable": True}],
                "ops": [
                    {
                        "type": kind,
                        side: [{"parameter": "X", "arguments": ["x"]}],
                        "attrs": [{"name": "col", "i": 0}],
                    }
                    for kind, side in (("feed", "outputs"), ("fetch", "inputs"))
                ],
            }
        ]
    ).SerializeToString(),
)
_VALUE = {"%": 1, "TT": {"#": "0.t_dtensor", "D": [{"#": "0.t_f32"}, [-1, 13]]}}
_ATTRIBUTES = [{"N": "name", "AT": {"D": "x"}}]
_OPERATIONS = [
    {"#": "p", "A": [0, 0, 0, "w"], "O": _VALUE, "OA": [1, 0, 1]},
    *({"#": f"1.{kind}", "A": _ATTRIBUTES, "I": [{"%": 1}], "O": [_VALUE]} for kind in ("data", "relu", "fetch")),
]
PROGRAMS_JSON = (_json({"program": {"regions": [{"blocks": [{"ops": _OPERATIONS}]}]}}),)
PROGRAM_WORDS = (
    *("program", "regions", "blocks", "ops", "#", "A", "O", "TT", "AT", "D", "N", "name", "1.data", "1.fetch", "p"),
    *("I", "OA", "%", "0.t_dtensor", "regions", "1.if"),
    *("0.t_f32", "0.t_bool", "null", "Infinity", "NaN", "1e400", "-1"),
)


def _arrays() -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, x=np.zeros((1, 2), np.float32), t=np.array(["text"]))
    return buffer.getvalue()


def _plain_arrays() -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, i=np.arange(3))
    return buffer.getvalue()


ARRAYS = (_arrays(), _plain_arrays())
ARRAY_WORDS = ("\x93NUMPY", "'descr': '<f4'", "'fortran_order': True", "'shape': (1, 2), ", "<U4", "PK\x03\x04")


def _tar(mode: str = "w:", kind: int = tarfile.USTAR_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode, format=kind) as tar:  # type: ignore[call-overload] # any mode
        folder = tarfile.TarInfo("model")
        folder.type = tarfile.DIRTYPE
        tar.addfile(folder)
        for name in ("model/inference.pdmodel", "golden/" + "n" * 120 + "/\u00fc.json"):
            member = tarfile.TarInfo(name)
            member.size = 3
            tar.addfile(member, io.BytesIO(b"abc"))
    return buffer.getvalue()[:8192]


def _zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        packed.writestr("model/", b"")
        packed.writestr("model/inference.pdmodel", b"abc")
        packed.writestr("golden/a.json", b"{}" * 50, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


TARS = (_tar(), _tar(kind=tarfile.GNU_FORMAT), _tar(kind=tarfile.PAX_FORMAT))
TAR_WORDS = ("ustar\x0000", "ustar  \x00", "GNU.sparse.major=1", "path=", "size=", "hdrcharset=BINARY", "linkpath=")
ARCHIVES = (*TARS, _zip(), _tar("w:gz"), _tar("w:bz2"), _tar("w:xz"))
