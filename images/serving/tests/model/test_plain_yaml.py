import time

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from paddle_serving_runtime.model.plain_yaml import parse

LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10)
)
ATTACKS = {
    "a billion laughs": (LAUGHS, "more than 20000 values"),
    "laughs in keys": (
        f"a: &a {{{', '.join(f'k{n}: v' for n in range(200))}}}\n" + "b: [" + "*a, " * 200 + "]",
        "values",
    ),
    "an alias inside of itself": ("a: &a [1, *a]", "stands for what it is inside of"),
    "merge keys without end": ("a: &a {<<: *a, b: 1}", "stands for what it is inside of"),
    "lists in lists": ("[" * 500 + "]" * 500, "nested too deeply"),
    "more lists in lists": ("[" * 100_000, "nested too deeply|expected"),
    "a very large text": ("a: " + "x" * (1 << 20), "larger than 1 MiB"),
    "a Python object": ("a: !!python/object/apply:os.system [id]", "could not determine a constructor"),
    "a Python name": ("a: !!python/name:os.system", "could not determine a constructor"),
    "another tag": ("a: !secret x", "could not determine a constructor"),
    "two documents": ("a: 1\n---\nb: 2", "expected a single document"),
    "a bool that is none": ("a: !!bool x", "'x' cannot be read as tag:yaml.org,2002:bool"),
    "an empty number": ("a: !!int ''", "cannot be read as tag:yaml.org,2002:int"),
    "a time that is none": ("a: !!timestamp x", "cannot be read as tag:yaml.org,2002:timestamp"),
    "a 13th month": ("a: [1, 2024-13-01]", "'2024-13-01' cannot be read as tag:yaml.org,2002:timestamp"),
    "a number of 5000 digits": ("- " + "9" * 5000, "cannot be read as tag:yaml.org,2002:int"),
    "a control character": ("a: \x07", "special characters are not allowed"),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_is_a_yaml_error_at_once(attack: str) -> None:
    text, sentence = ATTACKS[attack]
    started = time.monotonic()
    with pytest.raises(yaml.YAMLError, match=sentence):
        parse(text)
    assert time.monotonic() - started < 10


def test_a_bomb_is_shown_with_its_line() -> None:
    with pytest.raises(yaml.MarkedYAMLError) as error:
        parse(LAUGHS)
    assert error.value.problem_mark is not None
    assert error.value.problem_mark.line > 0


def test_aliases_in_reason_mean_what_they_say() -> None:
    assert parse("base: &base {a: 1}\nother: {<<: *base, b: 2}") == {"base": {"a": 1}, "other": {"a": 1, "b": 2}}


@pytest.mark.parametrize("text", ["", "# nothing\n"])
def test_nothing_is_none(text: str) -> None:
    assert parse(text) is None


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc", min_size=1), inner, max_size=4),
    max_leaves=20,
)


@given(VALUES)
def test_what_can_be_written_is_read_as_safe_load_reads_it(value: object) -> None:
    text = yaml.safe_dump(value)
    assert parse(text) == yaml.safe_load(text) == value
