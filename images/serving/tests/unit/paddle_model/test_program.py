import json
from pathlib import Path
from typing import Any

import pytest

from paddle_serving_runtime.errors import ModelInvalid
from paddle_serving_runtime.paddle_model.files import ModelFiles
from paddle_serving_runtime.paddle_model.program import read_program
from paddle_serving_runtime.paddle_model.program.proto_form import MESSAGES


def proto(**operation: object) -> bytes:
    blocks = [{"ops": [{"type": "fetch", **operation}]}]
    return bytes(MESSAGES["ProgramDesc"](blocks=blocks).SerializeToString())


def pir(**operation: object) -> bytes:
    port: dict[str, Any] = {
        "#": "1.fetch",
        "A": [{"N": "name", "AT": {"D": "y"}}],
        "O": [{"TT": {"D": [{"#": "0.t_f32"}, [1]]}}],
    }
    return json.dumps({"program": {"regions": [{"blocks": [{"ops": [{**port, **operation}]}]}]}}).encode()


BROKEN = {
    "an output without a name": ("a.pdmodel", proto(attrs=[{"name": "col"}])),
    "an output without a number": ("a.pdmodel", proto(inputs=[{"arguments": ["y"]}])),
    "an operation whose kind is no text": ("a.json", pir(**{"#": ["1.fetch"]})),
    "a type that is no text": ("a.json", pir(O=[{"TT": {"D": [{"#": 1}, [1]]}}])),
    "an endless dimension": ("a.json", pir(O=[{"TT": {"D": [{"#": "0.t_f32"}, [float("inf")]]}}])),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_program_is_named(tmp_path: Path, name: str) -> None:
    file, content = BROKEN[name]
    (tmp_path / file).write_bytes(content)
    with pytest.raises(ModelInvalid, match=f"{file} is not a program that this runtime can read"):
        read_program(ModelFiles(tmp_path / file, None))


def test_a_program_of_one_output_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(pir())
    (fetch,) = read_program(ModelFiles(tmp_path / "a.json", None)).fetches
    assert (fetch.name, fetch.dtype, fetch.shape) == ("y", "float32", (1,))
