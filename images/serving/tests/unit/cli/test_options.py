import argparse

import pytest

from paddle_serving_runtime.cli.options import add_computing, computing_from, service_name
from paddle_serving_runtime.errors import InvalidOption
from paddle_serving_runtime.paddle_model.computing import Computing

DEFAULTS = Computing(ir_optim=True, onednn=True, threads=1, device="cpu", overrides=(), script="")
OTHERS = Computing(
    ir_optim=False,
    onednn=False,
    threads=3,
    device="gpu:0,1",
    overrides=(("op.rec.concurrency", "1"), ("a", 'b="c" \u00e9')),
    script="web_service_det.py --config=det.yml",
    backend="NewExecutor",
)


@pytest.mark.parametrize("text", ["--model-dir=/other", "-x=1", "=1", "a", "a b=1"])
def test_an_override_is_a_path_into_config_yml(text: str) -> None:
    parser = argparse.ArgumentParser()
    add_computing(parser)
    arguments = parser.parse_args(["--overrides", "@op.rec.concurrency=1"])
    assert computing_from(arguments).overrides == (("@op.rec.concurrency", "1"),)
    arguments.overrides = [text]
    with pytest.raises(InvalidOption, match="is not KEY=VALUE"):
        computing_from(arguments)


@pytest.mark.parametrize(("name", "says"), [("v2", "Open Inference Protocol"), ("V3", "DNS label")])
def test_a_name_that_no_path_can_have_is_refused(name: str, says: str) -> None:
    with pytest.raises(InvalidOption, match=says):
        service_name(name)


@pytest.mark.parametrize("computing", [DEFAULTS, OTHERS])
def test_the_next_process_computes_as_this_one_was_told(computing: Computing) -> None:
    parser = argparse.ArgumentParser()
    add_computing(parser)
    assert computing_from(parser.parse_args(computing.arguments)) == computing
