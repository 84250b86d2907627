import pytest

from paddle_serving_runtime.errors import ModelInvalid, ServingError
from paddle_serving_runtime.link.report import failed_line, loaded_line, named_error, read_line


def test_what_a_worker_has_loaded_is_what_its_supervisor_reads() -> None:
    assert read_line(loaded_line({"capacity": 3, "warnings": ["\u00e9"]})) == {"capacity": 3, "warnings": ["\u00e9"]}


def test_why_a_worker_cannot_load_is_raised_in_its_supervisor() -> None:
    with pytest.raises(ModelInvalid, match="cut off"):
        read_line(failed_line(ModelInvalid("cut off")))


def test_the_error_of_a_child_keeps_its_reason_and_exit_code() -> None:
    error = named_error("ModelInvalid", "cut off")
    assert isinstance(error, ModelInvalid)
    assert error.exit_code == 4
    other = named_error("Path", "x")
    assert type(other) is ServingError
    assert other.describe() == "Path: x"
