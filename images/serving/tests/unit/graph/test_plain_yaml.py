import time

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from paddle_serving_runtime.graph.plain_yaml import parse

# 200 x 200 values by aliases: more than a configuration has, and little for anybody who writes them out
REPEATED = f"a: &a [{', '.join('x' * 200)}]\nb: [{', '.join(['*a'] * 200)}]\n"
REFUSED = {
    "aliases of a long list": (REPEATED, "more than 20000 values"),
    "aliases of many keys": (
        f"a: &a {{{', '.join(f'k{n}: v' for n in range(200))}}}\n" + "b: [" + "*a, " * 200 + "]",
        "values",
    ),
    "an alias inside of itself": ("a: &a [1, *a]", "refers to a value that contains it"),
    "merge keys without end": ("a: &a {<<: *a, b: 1}", "refers to a value that contains it"),
    "lists in lists": ("[" * 120 + "]" * 120, "nested too deeply"),
    "a very large text": ("a: " + "x" * (1 << 20), "larger than 1 MiB"),
    "a tag": ("a: !secret x", "could not determine a constructor"),
    "two documents": ("a: 1\n---\nb: 2", "expected a single document"),
    "a bool that is none": ("a: !!bool x", "'x' cannot be read as tag:yaml.org,2002:bool"),
    "an empty number": ("a: !!int ''", "cannot be read as tag:yaml.org,2002:int"),
    "a time that is none": ("a: !!timestamp x", "cannot be read as tag:yaml.org,2002:timestamp"),
    "a 13th month": ("a: [1, 2024-13-01]", "'2024-13-01' cannot be read as tag:yaml.org,2002:timestamp"),
    "a number of 5000 digits": ("- " + "9" * 5000, "cannot be read as tag:yaml.org,2002:int"),
    "a control character": ("a: \x07", "special characters are not allowed"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_configuration_is_a_yaml_error_at_once(case: str) -> None:
    text, sentence = REFUSED[case]
    started = time.process_time()
    with pytest.raises(yaml.YAMLError, match=sentence):
        parse(text)
    assert time.process_time() - started < 10


@pytest.mark.parametrize("loader", [yaml.Loader, yaml.FullLoader, yaml.UnsafeLoader], ids=lambda it: it.__name__)
def test_no_constructor_of_a_loader_that_makes_objects_is_called(loader: type, monkeypatch: pytest.MonkeyPatch) -> None:
    """The constructor that would be called is a stub, for a tag that means nothing."""
    made: list[str] = []
    constructors = {**loader.yaml_constructors, "!stub": lambda _, node: made.append(node.value)}  # type: ignore[attr-defined]
    monkeypatch.setattr(loader, "yaml_constructors", constructors)
    with pytest.raises(yaml.YAMLError, match="could not determine a constructor for the tag '!stub'"):
        parse("a: !stub x")
    assert made == []


def test_a_text_that_is_too_deep_for_the_parser_is_refused_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def too_deep(*_arguments: object, **_options: object) -> None:
        raise RecursionError

    monkeypatch.setattr(yaml, "compose", too_deep)
    with pytest.raises(yaml.MarkedYAMLError, match="it is nested too deeply"):
        parse("a: 1")


def test_too_many_values_are_shown_with_their_line() -> None:
    with pytest.raises(yaml.MarkedYAMLError) as error:
        parse(REPEATED)
    assert error.value.problem_mark is not None
    assert error.value.problem_mark.line == 1


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
