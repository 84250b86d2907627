"""YAML as plain data, and not more of it than was written."""

from typing import Any

import yaml
from typing_extensions import override

MAX_BYTES = 1 << 20
MAX_VALUES = 20_000
_MAX_DEPTH = 100
_START = yaml.Mark("config.yml", 0, 0, 0, None, 0)


def parse(text: str) -> object:
    """The data of one YAML document: mappings, lists, texts, numbers, dates, None.

    Raises yaml.YAMLError, as a MarkedYAMLError where there is a place, for a text that is no YAML, for tags that make
    other objects, and for a text that is larger, deeper, or by its aliases has more values, than a configuration has.
    """
    if len(text) > MAX_BYTES:
        raise _refusal(f"it is larger than {MAX_BYTES >> 20} MiB; that is not a configuration", _START)
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        if node is not None:
            _count(node, {}, 0)
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - it is a SafeLoader
    except RecursionError as error:
        raise _refusal("it is nested too deeply", _START) from error


class _Loader(yaml.SafeLoader):
    """SafeLoader, which lets every error of Python through where a text is not of its tag: `!!int x`, 2024-13-01."""

    @override
    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise _refusal(f"{str(node.value)[:40]!r} cannot be read as {node.tag}", node.start_mark) from error


def _count(node: yaml.Node, known: dict[int, int], depth: int) -> int:
    """How many values the node stands for when every alias is written out; 0 in `known` is a node being counted."""
    counted = known.get(id(node))
    if counted == 0:
        raise _refusal("an alias refers to a value that contains it", node.start_mark)
    if counted is not None:
        return counted
    if depth > _MAX_DEPTH:
        raise _refusal("it is nested too deeply", node.start_mark)
    known[id(node)] = 0
    children = [part for pair in node.value for part in pair] if isinstance(node, yaml.MappingNode) else node.value
    total = 1 + (0 if isinstance(node, yaml.ScalarNode) else sum(_count(child, known, depth + 1) for child in children))
    if total > MAX_VALUES:
        raise _refusal(f"with its aliases written out it has more than {MAX_VALUES} values", node.start_mark)
    known[id(node)] = total
    return total


def _refusal(problem: str, place: yaml.Mark) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=place)
