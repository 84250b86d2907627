import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from google.protobuf import json_format

from images.serving.tests.object_loaders import npz
from paddle_serving_runtime import serving_packages
from paddle_serving_runtime.consistency import Tolerance
from paddle_serving_runtime.errors import ModelInvalid
from paddle_serving_runtime.package.contents import Package
from paddle_serving_runtime.package.golden import load_recorded, load_samples, read_arrays, tensors_request


@pytest.fixture
def put(tmp_path: Path) -> Callable[..., Package]:
    def make(**files: object) -> Package:
        for name, content in files.items():
            path = tmp_path / "golden" / name.replace("__", "/").replace("_json", ".json").replace("_npz", ".npz")
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, dict) and path.suffix == ".npz":
                np.savez(path, **content)
            else:
                path.write_text(content if isinstance(content, str) else json.dumps(content))
        return Package(tmp_path, None, None, None)

    return make


def test_a_package_without_golden_has_no_samples(tmp_path: Path) -> None:
    package = Package(tmp_path, None, None, None)
    assert load_samples(package) == ()
    assert load_recorded(package) == {}


def test_requests_stay_byte_for_byte_and_come_in_order(put: Callable[..., Package]) -> None:
    package = put(b_json='{"key": [ "x" ]}', a_json="{}", expected__a_json={"answer": {"y": 1}})
    assert [(sample.name, sample.body) for sample in load_samples(package)] == [
        ("a.json", b"{}"),
        ("b.json", b'{"key": [ "x" ]}'),
    ]


def test_arrays_become_a_request_that_paddle_serving_reads_back(put: Callable[..., Package]) -> None:
    dtypes = ("int64", "float32", "int32", "float64", "int16", "float16", "uint8", "int8", "bool")
    arrays = {name: np.array([[0, 1], [3, 2]]).astype(name) for name in dtypes}
    arrays["odd"] = np.array([np.nan, np.inf, -np.inf, 0.1, 3.4e38, 1e-45, -0.0], np.float32)
    arrays["scalars"] = np.array([2**63 - 1, -(2**63)])
    (sample,) = load_samples(put(x_npz=arrays))
    serving_packages.install()
    from paddle_serving_server.pipeline import RequestOp  # noqa: PLC0415
    from paddle_serving_server.pipeline.proto.pipeline_service_pb2 import Request  # noqa: PLC0415

    inputs, _, _, _ = RequestOp().unpack_request_package(json_format.Parse(sample.body, Request()))
    assert inputs.keys() == arrays.keys()
    for name, array in arrays.items():
        assert inputs[name].dtype == array.dtype
        np.testing.assert_array_equal(inputs[name], array)
        assert np.array_equal(np.signbit(inputs[name]), np.signbit(array)) or array.dtype.kind != "f"


def test_arrays_that_no_tensor_can_carry_are_refused(put: Callable[..., Package]) -> None:
    with pytest.raises(ValueError, match="array x has type complex64"):
        tensors_request({"x": np.zeros(1, np.complex64)})
    with pytest.raises(ModelInvalid, match=r"x\.npz: array x has type <U1"):
        load_samples(put(x_npz={"x": np.array(["a"])}))


def test_arrays_of_objects_are_not_read(put: Callable[..., Package], monkeypatch: pytest.MonkeyPatch) -> None:
    """numpy refuses them where it is told to: a stub says what it was told, and answers as numpy does then."""
    package = put(a_json="{}")
    (package.root / "golden" / "x.npz").write_bytes(npz())
    told: list[dict[str, object]] = []

    def refuse(_file: object, **options: object) -> None:
        told.append(options)
        raise ValueError("Object arrays cannot be loaded when allow_pickle=False")

    monkeypatch.setattr(np, "load", refuse)
    with pytest.raises(ModelInvalid, match=r"x\.npz is not an \.npz file of plain arrays"):
        load_samples(package)
    assert told == [{"allow_pickle": False}]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"a_json": "{"}, r"a\.json is not JSON"),
        ({"a_json": "[]"}, r"a\.json is not a JSON object"),
        ({"a_txt": "x"}, "a_txt: a golden sample is a .json request or an .npz"),
        ({"a_npz": "no zip"}, r"a\.npz is not an \.npz file"),
        ({"a_json": "{}", "a_npz": {"x": np.zeros(1)}}, r"would share golden/expected/a\.json"),
    ],
)
def test_broken_samples_are_named(put: Callable[..., Package], files: dict[str, object], message: str) -> None:
    with pytest.raises(ModelInvalid, match=message):
        load_samples(put(**files))


def npz_with(header: bytes, compression: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        archive.writestr("x.npy", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
    return buffer.getvalue()


BROKEN_ARRAYS = {
    "a header that does not end": npz_with(b"{'descr': ("),
    "a header with a wrong indent": npz_with(b"{}\n  x\n y"),
    "a broken deflate stream": npz_with(bytes(100), zipfile.ZIP_DEFLATED).replace(b"x.npy" + b"\x9b", b"x.npy\xff", 1),
}


@pytest.mark.parametrize("name", BROKEN_ARRAYS)
def test_broken_arrays_are_named(tmp_path: Path, name: str) -> None:
    path = tmp_path / "a.npz"
    path.write_bytes(BROKEN_ARRAYS[name])
    with pytest.raises(ModelInvalid, match=r"a\.npz is not an \.npz file of plain arrays"):
        read_arrays(path)


def test_recorded_answers_have_values_tolerance_and_where_they_come_from(put: Callable[..., Package]) -> None:
    recorded = load_recorded(
        put(
            a_json="{}",
            b_json="{}",
            c_json="{}",
            expected__a_json={"answer": {"score": [0.5], "text": "hello"}, "recorded": {"paddle": "3.3.1"}},
            expected__b_json={"answer": {"y": 1}, "tolerance": {"rtol": 0, "atol": 0.5}},
        )
    )
    assert recorded.keys() == {"a.json", "b.json"}
    assert recorded["a.json"].tolerance == Tolerance(1e-3, 1e-5)
    assert recorded["b.json"].tolerance == Tolerance(0, 0.5)
    assert {name: array.tolist() for name, array in recorded["a.json"].answer.items()} == {
        "score": [0.5],
        "text": "hello",
    }
    assert recorded["a.json"].provenance == {"paddle": "3.3.1"}


def test_recorded_arrays_keep_their_type(put: Callable[..., Package]) -> None:
    recorded = load_recorded(put(a_json="{}", expected__a_npz={"y": np.array([1.5], np.float32)}))
    assert recorded["a.json"].answer["y"].dtype == np.float32


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"expected__b_json": {"answer": {"y": 1}}}, r"b\.json belongs to no golden sample"),
        ({"expected__a_json": {}}, 'has no "answer"'),
        ({"expected__a_json": {"answer": {}}}, 'has no "answer"'),
        ({"expected__a_json": {"answer": {"y": 1}, "tolerance": {"rtol": -1}}}, r"tolerance\.rtol is -1"),
        ({"expected__a_json": {"answer": {"y": 1}, "tolerance": {"rtol": "1"}}}, r"tolerance\.rtol is '1'"),
        ({"expected__a_json": {"answer": {"y": 1}, "tolerance": {"rtoll": 1}}}, "tolerance must be"),
        ({"expected__a_json": {"answer": {"y": 10**30}}}, "a value in answer cannot be read"),
        ({"expected__a_json": {"answer": {"y": 1}}, "expected__a_npz": {"y": np.ones(1)}}, "a second recorded answer"),
    ],
)
def test_broken_recordings_are_named(put: Callable[..., Package], files: dict[str, object], message: str) -> None:
    with pytest.raises(ModelInvalid, match=message):
        load_recorded(put(a_json="{}", **files))
