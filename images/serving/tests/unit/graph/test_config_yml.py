import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Service = Callable[..., Path]

Load = Callable[..., dict[str, Any]]


def test_defaults_are_those_of_the_runtime_where_the_config_is_silent(service: Service, load: Load) -> None:
    (node,) = load(service(), threads=3)["nodes"]
    assert node["switches"] == {
        "ir_optim": True,
        "onednn": True,
        "threads": 3,
        "device": "cpu",
        "memory_optim": True,
        "precision": "fp32",
        "backend": "Default",
        "without_passes": [],
    }
    assert node["attributes"]["ir_optim"] is True
    assert node["attributes"]["thread_num"] == 3


def test_what_the_config_sets_wins_and_an_override_wins_over_the_config(service: Service, load: Load) -> None:
    config = """
op:
  uci:
    timeout: 2000
    batch_size: 4
    auto_batching_timeout: 50
    local_service_conf:
      {model_config: uci_housing_model, ir_optim: false, thread_num: 2, use_mkldnn: true, devices: "1"}
"""
    root = service(config=config)
    (node,) = load(root, threads=8)["nodes"]
    assert node["switches"] | {"device": "gpu:1", "ir_optim": False, "threads": 2, "onednn": True} == node["switches"]
    assert node["batch"] == [4, 50.0, 2000.0, 1]
    overrides = {
        "op.uci.local_service_conf.devices": "null",
        "op.uci.local_service_conf.ir_optim": "True",
        "op.uci.local_service_conf.thread_num": "5",
        "op.uci.batch_size": "1",
        "op.uci.concurrency": "3",
        "op.uci.local_service_conf.workdir": "7",  # a text, whatever it looks like
    }
    (node,) = load(root, overrides, device="gpu:0")["nodes"]
    assert node["switches"] | {"device": "cpu", "ir_optim": True, "threads": 5, "onednn": True} == node["switches"]
    assert node["batch"] == [1, None, 2000.0, 1]
    assert node["attributes"]["concurrency"] == 3


@pytest.mark.parametrize(
    ("devices", "default", "worker", "expected"),
    [
        ("0", "cpu", 1, "gpu:0"),
        ("0,1", "cpu", 0, "gpu:0"),
        ("0,1", "cpu", 1, "gpu:1"),
        ("0, 1", "gpu:5", 2, "gpu:0"),
        ("1,2,4", "gpu:0", 5, "gpu:4"),
        ("", "gpu:0", 0, "cpu"),
        (None, "gpu:3", 7, "gpu:3"),
        (None, "gpu:2,3", 0, "gpu:2"),
        (None, "gpu:2,3", 3, "gpu:3"),
    ],
)
def test_the_workers_take_the_devices_in_turn(
    service: Service, devices: str | None, default: str, worker: int, expected: str, load: Load
) -> None:
    local = {"model_config": "uci_housing_model", "devices": devices}
    config = json.dumps({"op": {"uci": {"local_service_conf": local}}})
    (node,) = load(service(config=config), device=default, worker=worker)["nodes"]
    assert node["switches"]["device"] == expected
    assert node["attributes"]["devices"] == expected.removeprefix("gpu:").replace("cpu", "")


def test_a_default_device_that_is_none_is_an_invalid_option(service: Service, load: Load) -> None:
    assert load(service(), device="npu:0")["error"].startswith("InvalidOption: the device is 'npu:0'; devices are")


OVERRIDES = {
    **dict.fromkeys(("rpc_port", "http_port", "grpc_gateway_port", "worker_num"), ("7000", 7000)),
    **{f"dag.{name}": ("2", 2) for name in ("retry", "channel_size", "prometheus_port")},
    **{f"dag.{name}": ("True", True) for name in ("use_profile", "is_thread_op", "enable_prometheus")},
    "build_dag_each_worker": ("false", False),
    "dag.channel_recv_frist_arrive": ("false", False),
    "dag.client_type": ("grpc", "grpc"),
    "dag.tracer": ("{interval_s: 10}", {"interval_s": 10}),
    "dag.tracer.interval_s": ("10", {"interval_s": 10}),
    **{f"op.uci.{name}": ("3", 3) for name in ("concurrency", "timeout", "retry", "batch_size")},
    "op.uci.auto_batching_timeout": ("50", 50),
    **{f"op.uci.local_service_conf.{name}": ("4", 4) for name in ("thread_num", "min_subgraph_size")},
    **{f"op.uci.local_service_conf.{name}": ("false", False) for name in ("mem_optim", "ir_optim", "use_calib")},
    "op.uci.local_service_conf.use_mkldnn": ("true", True),
    "op.uci.local_service_conf.mkldnn_cache_capacity": ("10", 10),
    "op.uci.local_service_conf.mkldnn_op_list": ("[conv2d, fc]", ["conv2d", "fc"]),
    "op.uci.local_service_conf.mkldnn_bf16_op_list": ("[conv2d]", ["conv2d"]),
    "op.uci.local_service_conf.fetch_list": ("[price]", ["price"]),
    "op.uci.local_service_conf.devices": ("0", "0"),
    "op.uci.local_service_conf.workdir": ("5", "5"),
    "op.uci.local_service_conf.precision": ("fp32", "fp32"),
    "op.uci.local_service_conf.client_type": ("local_predictor", "local_predictor"),
    "op.uci.local_service_conf.model_config": ("uci_housing_model", "uci_housing_model"),
}


@pytest.mark.parametrize("key", OVERRIDES)
def test_every_key_of_config_yml_can_be_overridden_on_the_command_line(service: Service, key: str, load: Load) -> None:
    text, value = OVERRIDES[key]
    found: Any = load(service(), {key: text})["config"]
    for part in key.removesuffix(".interval_s").split("."):
        found = found[part]
    assert (found, type(found)) == (value, type(value))


def test_keys_without_effect_are_said(service: Service, price_config: str, load: Load) -> None:
    config = price_config.replace('devices: ""', 'devices: ""\n      use_trt: true\n      thread: 3')
    found = load(service(config=f"{config}    fetch_list: [price]\n  other: {{}}\nhtpp_port: 1\n"))
    said = "\n".join(found["warnings"])
    for key in (
        "htpp_port",
        "op.uci.local_service_conf.use_trt",
        "op.uci.local_service_conf.thread",
        "op.other",
        "op.uci.fetch_list",
    ):
        assert f"{key} in config.yml has no effect" in said
    assert len(found["warnings"]) == 5


def test_what_this_runtime_does_not_do_is_not_passed_over_in_silence(
    service: Service, price_config: str, load: Load
) -> None:
    config = price_config.replace("  uci:\n", "  uci:\n    batch_size: 8\n    timeout: 90\n    retry: 2\n")
    listed = "op.uci.local_service_conf.mkldnn_bf16_op_list"
    assert load(service(config=config), {listed: "[fc]"})["warnings"] == [
        f"{listed} in config.yml has no effect: this runtime does not support it (['fc'], not [])."
    ]


def test_room_for_shapes_without_onednn_is_said_to_be_for_nothing(
    service: Service, price_config: str, load: Load
) -> None:
    said = "op.uci.local_service_conf.mkldnn_cache_capacity"
    found = load(service(config=price_config), {said: "64", "op.uci.local_service_conf.use_mkldnn": "false"})
    assert found["warnings"] == [
        f"{said} in config.yml has no effect: use_mkldnn is false, and nothing else keeps shapes."
    ]
    assert found["nodes"][0]["kept"] == 0


BROKEN_CONFIGS = {
    "a number as device": (
        'devices: ""',
        "devices: 0",
        "config.yml:10: op.uci.local_service_conf.devices is 0, must be text",
    ),
    "a device of another kind": (
        'devices: ""',
        'devices: "x"',
        "config.yml:10: op.uci.local_service_conf.devices is 'x'",
    ),
    "TensorRT": (
        'devices: ""',
        "device_type: 2",
        "config.yml:10: op.uci.local_service_conf.device_type is 2: TensorRT",
    ),
    "a GPU without number": (
        'devices: ""',
        'devices: ""\n      device_type: 1',
        "config.yml:10: op.uci.local_service_conf.devices is empty, but device_type 1 asks for a GPU",
    ),
    "half precision": ('devices: ""', "precision: fp16", "op.uci.local_service_conf.precision is fp16; only fp32"),
    "the C++ server": (
        "client_type: local_predictor",
        "client_type: brpc",
        "config.yml:8: op.uci.local_service_conf.client_type is brpc",
    ),
    "a missing model": (
        "config: uci_housing_model",
        "config: nothing",
        "config.yml:9: op.uci.local_service_conf.model_config is 'nothing'",
    ),
    "a model outside": ("config: uci_housing_model", "config: ../..", "which is outside of the package"),
    "an unknown output": (
        'devices: ""',
        "fetch_list: [x]",
        "config.yml:10: op.uci.local_service_conf.fetch_list names 'x'; the model has price",
    ),
    "a text as number": ("worker_num: 4", 'worker_num: "4"', "config.yml:3: worker_num is '4', must be a whole number"),
    "a number too small": ("worker_num: 4", "worker_num: 0", "config.yml:3: worker_num is 0, must be at least 1"),
    "more shapes than fit into memory": (
        'devices: ""',
        "mkldnn_cache_capacity: 10001",
        "config.yml:10: op.uci.local_service_conf.mkldnn_cache_capacity is 10001, must be at most 10000",
    ),
    "a mistake in YAML": ("worker_num: 4", "worker_num: [4", "config.yml:4: "),
    "a tag in YAML": ("worker_num: 4", "worker_num: !secret 4", "config.yml:3: could not determine a constructor"),
    "no mapping": ("op:\n  uci:", "op:\n  uci: 5\nx:", "config.yml:6: op.uci is 5, must be a mapping"),
}


@pytest.mark.parametrize("defect", BROKEN_CONFIGS)
def test_a_broken_config_is_named_with_its_line(
    service: Service, price_config: str, defect: str, error_of: Callable[..., str]
) -> None:
    old, new, message = BROKEN_CONFIGS[defect]
    assert old in price_config
    found = error_of(service(config=price_config.replace(old, new)))
    assert found.startswith("ServiceBroken: ")
    assert message in found


def test_an_override_that_cannot_work_is_named(service: Service, error_of: Callable[..., str]) -> None:
    assert "worker_num is 'many', must be a whole number" in error_of(service(), {"worker_num": "many"})
    assert "op.uci.timeout.x cannot be set" in error_of(service(), {"op.uci.timeout": "1", "op.uci.timeout.x": "1"})
