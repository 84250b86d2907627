"""What the function in C reads is what orjson reads; everything else it leaves alone."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from paddle_serving_runtime.protocol.number_list import NumberLists

NATIVE = Path(__file__).parents[3] / "native"
FIELDS = frozenset({"float_data", "data"})
MANY = 600
"""Numbers that are more than a kilobyte in any form."""


@pytest.fixture(scope="module")
def lists(tmp_path_factory: pytest.TempPathFactory) -> NumberLists:
    if shutil.which("cc") is None:
        pytest.skip("there is no C compiler")
    folder = tmp_path_factory.mktemp("native")
    subprocess.run(["sh", str(NATIVE / "compile.sh"), str(folder)], check=True)
    try:
        return NumberLists(folder / "libnumberlist.so")
    except OSError as error:
        pytest.skip(str(error))


def body_of(numbers: str, name: str = "float_data") -> bytes:
    return b'{"tensors":[{"name":"x","elem_type":1,"shape":[-1],"%b":[%b]}]}' % (name.encode(), numbers.encode())


def array_in(content: object) -> np.ndarray:
    found = content["tensors"][0]["float_data"]  # type: ignore[index]
    assert isinstance(found, np.ndarray)
    return found


def is_read_as_by_orjson(lists: NumberLists, body: bytes) -> bool:
    """Whether it was read; then bit for bit as by orjson."""
    try:
        array = array_in(lists.loads(body, FIELDS))
    except ValueError:
        return False
    plain = orjson.loads(body)["tensors"][0]["float_data"]
    kinds = {type(number) for number in plain}
    assert (array.dtype.kind == "i") == (kinds == {int})
    assert array.tobytes() == np.array(plain, array.dtype).tobytes()
    assert array.flags.writeable
    return True


@given(st.lists(st.floats(width=32, min_value=-1000, max_value=1000), min_size=1, max_size=9))
def test_the_shortest_digits_of_floats_are_read_bit_for_bit(lists: NumberLists, numbers: list[float]) -> None:
    array = np.resize(np.array(numbers, np.float32), MANY)
    digits = orjson.dumps(array, option=orjson.OPT_SERIALIZE_NUMPY).decode()[1:-1]
    read = is_read_as_by_orjson(lists, body_of(digits))
    # the others have more than 16 characters or an exponent, and there are too many of them
    assert read or any(len(number) > 16 or "e" in number for number in digits.split(","))


@pytest.mark.parametrize(
    "number",
    ["0", "-0", "7", "-12", "0.0", "-0.0", "0.5", "-0.9921569", "123456.75", "9007199254740992", " 1.5", "-1", "1.50"],
)
def test_numbers_of_a_kind_are_read_whatever_their_place(lists: NumberLists, number: str) -> None:
    for length in range(MANY, MANY + 70):
        assert is_read_as_by_orjson(lists, body_of(",".join([number] * length)))


@pytest.mark.parametrize(
    "number",
    ["1e5", "-1.5E-7", "0.1234567890123456789", "-1e-400", "0e0", "2.2250738585072011e-308", "0.30000000000000004"],
)
def test_a_few_numbers_of_another_form_are_read_among_the_others(lists: NumberLists, number: str) -> None:
    numbers = ["0.25"] * MANY
    for place in (0, 7, MANY - 1):
        assert is_read_as_by_orjson(lists, body_of(",".join([*numbers[:place], number, *numbers[place:]])))


@pytest.mark.parametrize(
    "number",
    [
        *("", " ", "-", ".", "1.", ".5", "+1", "01", "-01", "00", "1.2.3", "1..2", "--1", "1-", "0x1", "1,", ",1"),
        *("1e", "1e+", "e5", "NaN", "Infinity", "-Infinity", "null", "true", '"1"', "[1]", "{}", "1e999", "1 "),
        *("9007199254740993", "18446744073709551616", "123456789012345678901234567890", "1" * 50 + ".5"),
        *("\u0661", "1\0", "\t1", "1\n"),
    ],
)
def test_a_list_with_anything_else_is_left_to_others(lists: NumberLists, number: str) -> None:
    for place in (0, 7, MANY):
        numbers = ["0.25"] * MANY
        numbers.insert(place, number)
        with pytest.raises(ValueError):  # noqa: PT011 - orjson's is one, too
            lists.loads(body_of(",".join(numbers)), FIELDS)


LONG = ",".join(["0.25"] * MANY)


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":"x,\\"float_data\\":[%b]","tensors":[]}' % LONG.encode(),
        b'{"tensors":[{"a\\"float_data":[%b]}]}' % LONG.encode(),
        b'{"tensors":[{"a":"float_data":[%b]}]}' % LONG.encode(),
        b'{"tensors":[{"a "float_data":[%b]}]}' % LONG.encode(),
        b'{"tensors":[{"other":[%b]}]}' % LONG.encode(),
        b'{"tensors":[[%b]]}' % LONG.encode(),
        b'{"float_data":[[%b]]}' % LONG.encode(),
        b'{"tensors":[{"float_data":[%b}]}' % LONG.encode(),
        b'{"tensors":[{"float_data":[%b' % LONG.encode(),
        b'{"tensors":[{"float_data":[%b]}]}}' % LONG.encode(),
        b'{"tensors":[{"float_data":[%b] 1}]}' % LONG.encode(),
        b'{"name":"@array0","tensors":[{"float_data":[%b]}]}' % LONG.encode(),
        b'{"name":"\\u0040array0","tensors":[{"float_data":[%b]}]}' % LONG.encode(),
        b'{"name":"\xff","tensors":[{"float_data":[%b]}]}' % LONG.encode(),
        b'\xef\xbb\xbf{"tensors":[{"float_data":[%b]}]}' % LONG.encode(),
        b'"data":[%b]' % LONG.encode(),
        b"[%b]" % LONG.encode(),
        b"{}",
        b"",
    ],
)
def test_a_list_that_may_be_another_thing_is_left_to_others(lists: NumberLists, body: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - orjson's is one, too
        lists.loads(body, FIELDS)


def test_a_list_is_read_wherever_it_is_among_other_fields(lists: NumberLists) -> None:
    content = lists.loads(
        b'{"inputs":[{"data":[%b],"shape":[%d],"name":"x"}],"id":"7"}' % (LONG.encode(), MANY), FIELDS
    )
    assert isinstance(content, dict)
    (tensor,) = content["inputs"]
    assert tensor.pop("data").tolist() == [0.25] * MANY
    assert content == {"inputs": [{"shape": [MANY], "name": "x"}], "id": "7"}


def test_of_two_lists_by_one_name_the_last_counts_as_for_orjson(lists: NumberLists) -> None:
    other = LONG.replace("0.25", "0.5")
    body = b'{"name":"x","float_data":[%b],"a":1,"float_data" : [%b]}' % (LONG.encode(), other.encode())
    content = lists.loads(body, FIELDS)
    assert isinstance(content, dict)
    assert content["float_data"].tolist() == [0.5] * MANY


def as_floats(value: object) -> object:
    """The content with a float for every number, and a list for every array."""
    if isinstance(value, dict):
        return {key: as_floats(item) for key, item in value.items()}
    if isinstance(value, list | np.ndarray):
        return [as_floats(item) for item in value]
    return float(value) if isinstance(value, int | float | np.number) else value


@given(st.integers(0, 2000), st.binary(min_size=1, max_size=3), st.sampled_from(["insert", "replace", "cut"]))
@example(60, b"]", "replace")
@example(55, b"\\", "insert")
def test_a_spoilt_body_is_read_as_by_orjson_or_not_at_all(
    lists: NumberLists, place: int, bytes_: bytes, how: str
) -> None:
    body = body_of(",".join(["-0.9921569", "0.5", "17"] * (MANY // 3)))
    place %= len(body)
    behind = {"insert": place, "replace": place + len(bytes_), "cut": len(body)}[how]
    spoilt = body[:place] + (b"" if how == "cut" else bytes_) + body[behind:]
    try:
        content = lists.loads(spoilt, FIELDS)
    except ValueError:
        return
    assert as_floats(content) == as_floats(orjson.loads(spoilt))
