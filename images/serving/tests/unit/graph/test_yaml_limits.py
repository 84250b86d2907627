"""A config.yml that is more than a configuration ends in one sentence, as any broken one does."""

from collections.abc import Callable
from pathlib import Path

import pytest

Service = Callable[..., Path]

# 200 x 200 values by aliases: more than a configuration has, and little for anybody who writes them out
REPEATED = f"a: &a [{', '.join('x' * 200)}]\nb: [{', '.join(['*a'] * 200)}]\n"
SHORT_REPEATED = f"[&a [{', '.join('x' * 200)}], {', '.join(['*a'] * 200)}]"


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        (REPEATED, "config.yml:2: with its aliases written out it has more than 20000 values."),
        (f"op: {SHORT_REPEATED}", "config.yml:1: with its aliases written out it has more than 20000 values."),
        ("op: &a {uci: *a}", "config.yml:1: an alias refers to a value that contains it."),
        ("op: " + "[" * 120 + "]" * 120, "config.yml:1: it is nested too deeply."),
        ("op: x" + "x" * (1 << 20), "config.yml:1: it is larger than 1 MiB; that is not a configuration."),
        ("op: !secret x", "config.yml:1: could not determine a constructor for the tag"),
        (
            "op:\n  uci: {since: 2024-13-01}",
            "config.yml:2: '2024-13-01' cannot be read as tag:yaml.org,2002:timestamp.",
        ),
    ],
    ids=["aliases", "short aliases", "a circle", "depth", "size", "a tag", "a 13th month"],
)
def test_yaml_that_is_no_configuration_is_named_with_its_line(
    service: Service, error_of: Callable[..., str], config: str, sentence: str
) -> None:
    found = error_of(service(config=config))
    assert found.startswith(f"ServiceBroken: {sentence}")


def test_an_override_cannot_stand_for_more_values_than_a_configuration_has(
    service: Service, error_of: Callable[..., str]
) -> None:
    found = error_of(service(), {"op.uci.anything": SHORT_REPEATED})
    assert "which is not a value" in found
    assert len(found) < 2000
