"""A config.yml that is made to take a machine down ends in one sentence, as any broken one does."""

from collections.abc import Callable
from pathlib import Path

import pytest

Service = Callable[..., Path]

LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10)
)
SHORT_LAUGHS = (
    "[&a [x, x, x, x, x, x, x, x, x, x], "
    + ", ".join(f"&{'abcdefghij'[n]} [{', '.join(['*' + 'abcdefghij'[n - 1]] * 10)}]" for n in range(1, 10))
    + "]"
)


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        (LAUGHS, "config.yml:5: with its aliases written out it has more than 20000 values."),
        (f"op: {SHORT_LAUGHS}", "config.yml:1: with its aliases written out it has more than 20000 values."),
        ("op: &a {uci: *a}", "config.yml:1: an alias stands for what it is inside of."),
        ("op: " + "[" * 100_000, "config.yml:1: it is nested too deeply."),
        ("op: x" + "x" * (1 << 20), "config.yml:1: it is larger than 1 MiB; that is no configuration."),
        ("op: !!python/object/apply:os.system [id]", "config.yml:1: could not determine a constructor for the tag"),
        (
            "op:\n  uci: {since: 2024-13-01}",
            "config.yml:2: '2024-13-01' cannot be read as tag:yaml.org,2002:timestamp.",
        ),
    ],
    ids=["laughs", "short laughs", "a circle", "depth", "size", "a Python object", "a 13th month"],
)
def test_a_yaml_attack_is_named_with_its_line(
    service: Service, error_of: Callable[..., str], config: str, sentence: str
) -> None:
    found = error_of(service(config=config))
    assert found.startswith(f"ServiceBroken: {sentence}")


def test_an_override_cannot_be_a_bomb(service: Service, error_of: Callable[..., str]) -> None:
    found = error_of(service(), {"op.uci.anything": SHORT_LAUGHS})
    assert "which is not a value" in found
    assert len(found) < 2000
