"""Every parser that reads what somebody else wrote, as a function of bytes: what a fuzzer calls.

A parser may do two things with whatever it is given: read it, or refuse it by an exception that it documents. What
was read must be answerable too, so the protocols pack their own inputs as if those were the outputs of a model.
"""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml

from images.serving.tests.fuzz import seeds
from images.serving.tests.fuzz.tar import with_checksums
from paddle_serving_runtime.errors import ModelInvalid, ModelUnavailable
from paddle_serving_runtime.fetch import archive
from paddle_serving_runtime.graph import config, plain_yaml
from paddle_serving_runtime.package import golden
from paddle_serving_runtime.paddle_model import prototxt
from paddle_serving_runtime.paddle_model.files import ModelFiles
from paddle_serving_runtime.paddle_model.program import read_program
from paddle_serving_runtime.paddle_model.switches import Switches
from paddle_serving_runtime.protocol import (
    BadRequest,
    Limits,
    Response,
    UnpackableValue,
    error_body,
    pack_response,
    parse_request,
)
from paddle_serving_runtime.protocol.call import SERVICE
from paddle_serving_runtime.protocol.codes import grpc_status
from paddle_serving_runtime.protocol.grpc.framing import status_trailers
from paddle_serving_runtime.protocol.numbers import from_text
from paddle_serving_runtime.protocol.open_inference import grpc, rest
from paddle_serving_runtime.protocol.open_inference.common import InferRequest, resolver
from paddle_serving_runtime.protocol.pipeline.grpc import error_message, pack_message, parse_message
from paddle_serving_runtime.worker import reading

LIMITS = Limits(body_bytes=1 << 20, keys=16, tensors=16)
SMALL = archive.Limits(unpacked_bytes=1 << 20, members=100)
# a thousand files a second are better not written to a disk
_MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - below it, names that nobody can foresee
_NUMBER_TYPES = tuple(map(np.dtype, ("int64", "float32", "int8", "float16", "uint8", "float64", "bool", "complex64")))
_RESOLVE = resolver(["svc"], ["net"])


@dataclass(frozen=True)
class Parser:
    """`read` raises one of `refusals`, or reads; `seeds` are inputs that it reads, `words` are parts of such."""

    read: Callable[[bytes], None]
    refusals: tuple[type[Exception], ...]
    seeds: tuple[bytes, ...]
    words: tuple[str, ...] = ()

    def accepts(self, data: bytes) -> bool:
        """Whether these bytes are read; an exception that is no refusal comes through."""
        try:
            self.read(data)
        except self.refusals as error:
            if isinstance(error, BadRequest):
                _require_sendable(error)
            return False
        return True


def _require_sendable(error: BadRequest) -> None:
    assert 400 <= error.status < 500, error.status
    assert error.message
    rest.error_json(error.message)
    error_body(error.err_no, error.message)
    error_message(error.err_no, error.message)
    status_trailers(grpc_status(error.status), error.message)


def pipeline_json(data: bytes) -> None:
    inputs = parse_request(data, LIMITS).inputs
    response = _echo(inputs)
    pack_response(response.values, response.tensors)


def pipeline_grpc(data: bytes) -> None:
    pack_message(_echo(parse_message(data, {"svc"}, LIMITS).inputs))


def open_inference_rest(data: bytes) -> None:
    for target in (SERVICE, "net"):
        _answer_rest(rest.parse_infer("net", target, data, None, LIMITS))


def open_inference_rest_binary(data: bytes) -> None:
    """The first line is the Inference-Header-Content-Length, the rest the body."""
    length, _, body = data.partition(b"\n")
    for target in (SERVICE, "net"):
        _answer_rest(rest.parse_infer("net", target, body, length.decode("latin-1"), LIMITS))


def open_inference_grpc(data: bytes) -> None:
    request = grpc.parse_infer(data, _RESOLVE, LIMITS)
    grpc.pack_infer(request, _echo(request.call.inputs))


def numbers_as_text(data: bytes) -> None:
    """The first byte says of which type the numbers are."""
    text = data[1:].decode()
    dtype = _NUMBER_TYPES[data[0] % len(_NUMBER_TYPES)] if data else _NUMBER_TYPES[0]
    numbers = from_text(text, dtype)
    assert numbers.dtype == dtype
    assert numbers.size == text.count(",") + 1
    assert np.isfinite(numbers).all() or "NaN" in text or "Infinity" in text


def http_requests(data: bytes) -> None:
    """A connection of a worker; the first byte says how many bytes come at a time."""
    received: list[reading.Received] = []
    reader = reading.RequestReader(reading.Limits(body_bytes=1000, head_bytes=1000, headers=8), received.append)
    size = 1 + data[0] if data else 1
    for start in range(1, len(data), size):
        if reader.deaf:
            break
        piece = data[start : start + size]
        if reader.rest is not None:
            written, piece = piece[: len(reader.rest)], piece[len(reader.rest) :]
            reader.rest[: len(written)] = written
            reader.filled(len(written))
        if piece and not reader.deaf:
            reader.feed(piece)
    for each in received:
        assert (each.request is None) != (each.refused is None)
    if any(each.refused for each in received) or not received:
        raise _NoRequestError


def config_yml(data: bytes) -> None:
    parsed = plain_yaml.parse(data.decode())
    config.unknown_keys(config.resolve(parsed, {}, Switches(), 0))


def server_conf(data: bytes) -> None:
    with tempfile.TemporaryDirectory(dir=_MEMORY) as folder:
        (Path(folder) / prototxt.FILE_NAME).write_bytes(data)
        prototxt.read(Path(folder))


def program(data: bytes) -> None:
    _read_program("model.pdmodel", data)


def program_json(data: bytes) -> None:
    _read_program("model.json", data)


def _read_program(name: str, data: bytes) -> None:
    with tempfile.TemporaryDirectory(dir=_MEMORY) as folder:
        path = Path(folder, name)
        path.write_bytes(data)
        read_program(ModelFiles(path, None))


def golden_arrays(data: bytes) -> None:
    with tempfile.TemporaryDirectory(dir=_MEMORY) as folder:
        path = Path(folder, "sample.npz")
        path.write_bytes(data)
        golden.read_arrays(path)


def archives(data: bytes) -> None:
    with tempfile.TemporaryDirectory(dir=_MEMORY) as folder:
        packed, unpacked = Path(folder, "archive"), Path(folder, "unpacked")
        packed.write_bytes(data)
        unpacked.mkdir()
        try:
            archive.unpack(packed, unpacked, SMALL, lambda _: None)
        finally:
            assert {path.name for path in Path(folder).iterdir()} == {"archive", "unpacked"}
            assert all(path.is_dir() or path.is_file() for path in unpacked.rglob("*"))
            assert not any(path.is_symlink() for path in unpacked.rglob("*"))


def tar_headers(data: bytes) -> None:
    """The checksums are put right first: without that hardly any header would be looked at."""
    archives(with_checksums(data))


class _NoRequestError(Exception):
    """A connection without a complete request, or with one that was refused."""


def _echo(inputs: object) -> Response:
    assert isinstance(inputs, dict)
    values = {name: value for name, value in inputs.items() if isinstance(value, str)}
    return Response(0, "", values, {name: value for name, value in inputs.items() if not isinstance(value, str)})


def _answer_rest(request: InferRequest) -> None:
    rest.pack_infer(request, _echo(request.call.inputs))


_PROTOCOL = (BadRequest, UnpackableValue)

PARSERS = {
    "pipeline-json": Parser(pipeline_json, _PROTOCOL, seeds.PIPELINE_JSON, seeds.PIPELINE_WORDS),
    "pipeline-grpc": Parser(pipeline_grpc, _PROTOCOL, seeds.PIPELINE_GRPC),
    "open-inference-rest": Parser(open_inference_rest, _PROTOCOL, seeds.REST, seeds.REST_WORDS),
    "open-inference-rest-binary": Parser(open_inference_rest_binary, _PROTOCOL, seeds.REST_BINARY, seeds.REST_WORDS),
    "open-inference-grpc": Parser(open_inference_grpc, _PROTOCOL, seeds.OPEN_INFERENCE_GRPC),
    "numbers-as-text": Parser(numbers_as_text, (ValueError,), seeds.NUMBERS, seeds.NUMBER_WORDS),
    "http": Parser(http_requests, (_NoRequestError,), seeds.HTTP, seeds.HTTP_WORDS),
    # a file that is not UTF-8 is refused where it is read
    "config-yml": Parser(
        config_yml, (yaml.YAMLError, config.ConfigError, UnicodeDecodeError), seeds.CONFIG_YML, seeds.CONFIG_WORDS
    ),
    "prototxt": Parser(server_conf, (ModelInvalid,), seeds.PROTOTXT, seeds.PROTOTXT_WORDS),
    "program": Parser(program, (ModelInvalid,), seeds.PROGRAMS),
    "program-json": Parser(program_json, (ModelInvalid,), seeds.PROGRAMS_JSON, seeds.PROGRAM_WORDS),
    "golden-arrays": Parser(golden_arrays, (ModelInvalid,), seeds.ARRAYS, seeds.ARRAY_WORDS),
    "archive": Parser(archives, (ModelUnavailable,), seeds.ARCHIVES),
    "tar-headers": Parser(tar_headers, (ModelUnavailable,), seeds.TARS, seeds.TAR_WORDS),
}
