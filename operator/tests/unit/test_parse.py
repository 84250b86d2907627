from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from paddle_serving_operator.api.backend import Allocator, Backend
from paddle_serving_operator.api.fields import SpecError
from paddle_serving_operator.api.parse import parse_spec
from paddle_serving_operator.api.sources import PvcSource
from paddle_serving_operator.api.types import (
    Account,
    ConsistencyMode,
    EngineMode,
    Require,
)
from paddle_serving_operator.constants import Key

KEY = Key("default", "ocr")


def test_the_shortest_spec_has_a_safe_default_for_everything_else(make_raw_spec: Callable[..., Any]) -> None:
    spec = parse_spec(KEY, make_raw_spec())
    assert spec.runtime == "cpu"
    assert spec.replicas == 1
    assert spec.model.name == "ocr"
    assert spec.model.source == PvcSource("models", "ocr/v2")
    assert spec.engine.mode is EngineMode.DIRECT
    assert spec.engine.backend is Backend.DEFAULT
    assert not spec.engine.legacy_status
    assert spec.engine.standby
    assert spec.engine.workers is None
    assert spec.engine.ir_optim
    assert spec.engine.one_dnn
    assert spec.engine.allocator is Allocator.TCMALLOC
    assert spec.consistency.mode is ConsistencyMode.EXACT
    assert spec.consistency.require is Require.AUTO
    assert spec.consistency.required
    assert spec.rollout.progress_deadline == timedelta(minutes=10)
    assert spec.rollout.revision_history_limit == 10
    assert not spec.rollout.paused
    assert spec.disruption.enabled
    assert spec.disruption.max_unavailable == 1
    assert (spec.drain.delay, spec.drain.timeout) == (timedelta(seconds=5), timedelta(seconds=20))


@pytest.mark.parametrize(
    ("text", "expected"), [("90s", timedelta(seconds=90)), ("1h30m", timedelta(minutes=90)), ("0s", timedelta(0))]
)
def test_durations_are_hours_minutes_and_seconds(
    make_raw_spec: Callable[..., Any], text: str, expected: timedelta
) -> None:
    assert parse_spec(KEY, make_raw_spec(drain={"delay": text})).drain.delay == expected


CANARY: dict[str, Any] = {"strategy": "Canary", "steps": [{"weight": 5}]}

BAD = [
    ({"model": None}, "spec.model", "is missing. Give digest and source"),
    ({"model": {"digest": "sha256:abc"}}, "spec.model.digest", "Run `paddle-serving-runtime digest DIR`"),
    ({"model": {"digest": None}}, "spec.model.digest", "is missing"),
    ({"model": {"name": "Ocr"}}, "spec.model.name", "lower-case"),
    ({"replica": 2}, "spec.replica", "is unknown. Remove it, or use one of"),
    ({"replicas": -1}, "spec.replicas", "whole number"),
    ({"replicas": True}, "spec.replicas", "whole number"),
    ({"replicas": "2"}, "spec.replicas", "whole number"),
    ({"resources": {"limits": {"cpu": "fast"}}}, "spec.resources.limits.cpu", "Give a quantity"),
    ({"resources": {"limits": {"disk": "1"}}}, "spec.resources.limits.disk", "is unknown"),
    ({"engine": {"backend": "TensorRT"}}, "spec.engine.backend", "Use one of Default, OpenVINO, Auto"),
    ({"engine": {"mode": "pipeline", "backend": "Auto"}}, "spec.engine.backend", "which needs mode direct"),
    ({"engine": {"mode": "brpc"}}, "spec.engine.mode", "Use one of direct, pipeline"),
    ({"engine": {"allocator": "hoard"}}, "spec.engine.allocator", "Use one of tcmalloc, system"),
    ({"engine": {"batching": {"mode": "On"}}}, "spec.engine.batching.mode", "Use one of Auto, Off"),
    ({"engine": {"batching": {"maxRows": 1}}}, "spec.engine.batching.maxRows", "whole number from 2 to 64"),
    ({"engine": {"batching": {"rows": 2}}}, "spec.engine.batching.rows", "is unknown"),
    (
        {"engine": {"mode": "pipeline", "batching": {"mode": "Auto"}}},
        "spec.engine.batching.mode",
        "is Auto, which the engine of mode pipeline does not have",
    ),
    *[
        ({"engine": {"warmup": {"shapes": [shape]}}}, f"spec.engine.warmup.shapes[0].{field}", advice)
        for shape, field, advice in (
            ({"inputs": {}}, "inputs", "has 0 entries"),
            ({"inputs": {"x": [1, 0]}}, "inputs[x]", "is no shape. Give a list"),
            ({"inputs": {"x": [1.5]}}, "inputs[x]", "is no shape. Give a list"),
            ({"inputs": {"x": 3}}, "inputs[x]", "is no shape. Give a list"),
            ({"inputs": {"a=b": [1]}}, "inputs", "the name of an input"),
            ({"model": "a b", "inputs": {"x": [1]}}, "model", "name of an Op"),
        )
    ],
    ({"engine": {"warmup": {"shapes": [{"inputs": {"x": [1]}}] * 65}}}, "spec.engine.warmup.shapes", "at most 64"),
    ({"engine": {"warmup": {"seconds": 1}}}, "spec.engine.warmup.seconds", "is unknown"),
    (
        {"engine": {"mode": "pipeline", "warmup": {"shapes": [{"inputs": {"x": [1]}}]}}},
        "spec.engine.warmup.shapes",
        "need mode direct",
    ),
    ({"engine": {"legacyStatus": "yes"}}, "spec.engine.legacyStatus", "true or false"),
    ({"engine": {"workers": 0}}, "spec.engine.workers", "from 1 to 64"),
    ({"engine": {"irOptim": "yes"}}, "spec.engine.irOptim", "true or false"),
    ({"engine": {"overrides": {"--digest": "x"}}}, "spec.engine.overrides", "path into config.yml"),
    ({"engine": {"script": "-m serving"}}, "spec.engine.script", "a file of the package, followed by its arguments"),
    ({"engine": []}, "spec.engine", "must be an object"),
    ({"consistency": {"rtol": 0.1}}, "spec.consistency.rtol", "belongs to mode Tolerance"),
    ({"consistency": {"mode": "Tolerance"}}, "spec.consistency.mode", "no tolerance is given"),
    ({"consistency": {"mode": "Tolerance", "atol": -1}}, "spec.consistency.atol", "not negative"),
    ({"consistency": {"mode": "Tolerance", "atol": float("nan")}}, "spec.consistency.atol", "not negative"),
    ({"rollout": {"progressDeadline": "soon"}}, "spec.rollout.progressDeadline", "for example 90s"),
    ({"rollout": {"progressDeadline": ""}}, "spec.rollout.progressDeadline", "for example 90s"),
    ({"rollout": {"progressDeadline": "99999999999999h"}}, "spec.rollout.progressDeadline", "no more than 9999 hours"),
    ({"rollout": {"progressDeadline": "\u0663s"}}, "spec.rollout.progressDeadline", "for example 90s"),
    (
        {"rollout": {"strategy": "Canary", "steps": [{"weight": 5, "pause": "999999999999s"}]}},
        "spec.rollout.steps[0].pause",
        "no more than 9999 hours",
    ),
    ({"rollout": {"progressDeadline": "0s"}}, "spec.rollout.progressDeadline", "Give 1s or more"),
    (
        {"rollout": {**CANARY, "analysis": {"maxErrorRatio": 0.1, "interval": "0h0m0s"}}},
        "spec.rollout.analysis.interval",
        "Give 1s or more",
    ),
    (
        {"rollout": {**CANARY, "analysis": {"maxLatencyRatio": 0}}},
        "spec.rollout.analysis.maxLatencyRatio",
        "no revision answers in no time",
    ),
    *[
        (
            {"rollout": {**other, "drift": {"samples": "Replay", **drift}}},
            "spec.rollout.drift.samples",
            "nothing would be",
        )
        for other, drift in (
            ({"strategy": "Recreate"}, {}),
            ({}, {"mode": "Ignore"}),
            ({}, {"mode": "Off"}),
        )
    ],
    ({"rollout": {"strategy": "Linear"}}, "spec.rollout.strategy", "Use one of BlueGreen, Canary, Recreate"),
    *[
        ({"rollout": {"analysis": {"maxErrorRatio": 0.1}, **strategy}}, "spec.rollout.analysis", "strategy Canary")
        for strategy in ({}, {"strategy": "BlueGreen"}, {"strategy": "Recreate"})
    ],
    (
        {"rollout": {"strategy": "Recreate", "drift": {"mode": "Require"}}},
        "spec.rollout.drift.mode",
        "ends the pods that drift would compare with",
    ),
    ({"disruption": {"maxUnavailable": "half"}}, "spec.disruption.maxUnavailable", "25%"),
    ({"disruption": {"maxUnavailable": "101%"}}, "spec.disruption.maxUnavailable", "at most 100%"),
    ({"rollout": {"maxUnavailable": "101%"}}, "spec.rollout.maxUnavailable", "at most 100%"),
    ({"consistency": {"recheckInterval": "0s"}}, "spec.consistency.recheckInterval", "10s or more"),
    ({"consistency": {"recheckInterval": "0m9s"}}, "spec.consistency.recheckInterval", "10s or more"),
    ({"pod": {"env": [{"name": "A-B", "value": ""}]}}, "spec.pod.env[0].name", "letters, digits and _"),
    ({"pod": {"env": [{"name": "A", "valueFrom": {}}]}}, "spec.pod.env[0].value", "is missing"),
    ({"pod": {"imagePullSecrets": [{"nam": "x"}]}}, "spec.pod.imagePullSecrets[0].name", "is missing"),
    ({"pod": {"labels": {"a": ["b"]}}}, "spec.pod.labels[a]", "Give a string"),
]


@pytest.mark.parametrize(("fields", "path", "advice"), BAD)
def test_a_wrong_field_is_named_with_its_path_and_what_to_do(
    make_raw_spec: Callable[..., Any], fields: dict[str, Any], path: str, advice: str
) -> None:
    raw = make_raw_spec(**fields) if fields.get("model", {}) is not None else {"model": None}
    with pytest.raises(SpecError) as refused:
        parse_spec(KEY, raw)
    assert refused.value.path == path
    assert str(refused.value).startswith(f"PaddleService default/ocr: {path} ")
    assert advice in str(refused.value)


def test_a_long_wrong_value_is_cut_in_the_sentence(make_raw_spec: Callable[..., Any]) -> None:
    with pytest.raises(SpecError) as refused:
        parse_spec(KEY, make_raw_spec(model={"digest": "x" * 10_000}))
    assert len(str(refused.value)) < 400


@pytest.mark.parametrize("raw", ["text", 3, []])
def test_a_spec_that_is_no_object_is_refused(raw: object) -> None:
    with pytest.raises(SpecError, match=r"spec is .*; it must be an object"):
        parse_spec(KEY, raw)


ZEROS = ["0", 0, "0.0", "00", "0m", "0Mi", "0.000Gi", "0k"]


@pytest.mark.parametrize("name", ["cpu", "memory", "nvidia.com/gpu"])
@pytest.mark.parametrize("value", [*ZEROS, -1, "-1", "-500m"])
def test_a_limit_that_limits_nothing_is_refused(make_raw_spec: Callable[..., Any], name: str, value: str | int) -> None:
    with pytest.raises(SpecError) as refused:
        parse_spec(KEY, make_raw_spec(resources={"limits": {name: value}}))
    assert f"spec.resources.limits.{name} is {value!r}" in str(refused.value)


def test_a_request_may_be_zero_and_not_negative(make_raw_spec: Callable[..., Any]) -> None:
    assert parse_spec(KEY, make_raw_spec(resources={"requests": {"cpu": 0}})).requests == {"cpu": "0"}
    with pytest.raises(SpecError, match=r"requests\.cpu is -1"):
        parse_spec(KEY, make_raw_spec(resources={"requests": {"cpu": -1}}))


def test_an_account_has_a_name_or_annotations(make_raw_spec: Callable[..., Any]) -> None:
    def account(**fields: object) -> Account:
        return parse_spec(KEY, make_raw_spec(pod={"serviceAccount": fields})).pod.account

    assert account() == Account("", {})
    assert account(name="models.reader") == Account("models.reader", {})
    assert account(annotations={"a/b": "c"}) == Account("", {"a/b": "c"})
    for wrong in ({"name": "a", "annotations": {"b": "c"}}, {"name": "A_b"}, {"name": "a", "role": "b"}):
        with pytest.raises(SpecError, match=r"spec\.pod\.serviceAccount"):
            account(**wrong)


@pytest.mark.parametrize(("written", "mode"), [("Report", "Report"), ("Ignore", "Ignore"), ("Off", "Ignore")])
def test_drift_that_stops_nothing_fits_every_strategy(
    make_raw_spec: Callable[..., Any], written: str, mode: str
) -> None:
    raw = make_raw_spec(rollout={"strategy": "Recreate", "drift": {"mode": written}})
    assert parse_spec(KEY, raw).rollout.drift.mode == mode
