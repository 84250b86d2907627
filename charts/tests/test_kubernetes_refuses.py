"""What Kubernetes would refuse, after it has taken half of a release, is refused before, with what to do.

operator/tests/integration/test_chart_values.py finds out what a real API server refuses.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from charts.tests.conftest import CHARTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from charts.tests.conftest import Helm, Manifest

OPERATOR, SERVING = "paddle-serving-operator", "paddle-serving"
MINIMAL = CHARTS / SERVING / "ci" / "default-values.yaml"
CLASS = "priorityClasses[0].value=1,priorityClasses[0].name"
SECOND = "priorityClasses[1].value=2,priorityClasses[1].name=b"
PEER = "networkPolicy.operator.from[0]"
TERM = "nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[0]"
GCS = "model.source.gcs"
NO_CLAIM = "model.source.pvc.claimName="
ROUTE = "httpRoute.enabled=true,httpRoute.parentRefs[0].name=a,httpRoute.parentRefs[1].name=a"
SPREAD = "pod.topologySpreadConstraints[0]"


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (f"{CLASS}=system-models", "`priorityClasses` has system-models, and names that begin with system- are Kuber"),
        (f"{CLASS}=a,{SECOND},priorityClasses[1].name=a", "`priorityClasses` has a twice. Keep one."),
        (
            f"{CLASS}=a,{SECOND},priorityClasses[0].globalDefault=true,priorityClasses[1].globalDefault=true",
            "`priorityClasses` has globalDefault in a and in b, and a cluster has one default. Remove one.",
        ),
        (
            "networkPolicy.services.namespaces={a,a}",
            "at '/networkPolicy/services/namespaces': items at 0 and 1 are equal",
        ),
        ("resources.requests.cpu=2", "`resources.requests.cpu` is 2, more than `resources.limits.cpu`, which is 500m"),
        (
            "resources.requests.example\\.com/card=1,resources.limits.example\\.com/card=2",
            "Make them equal, or leave the request out.",
        ),
        ("profiles.gpu.resources.requests.memory=9Gi", "`profiles.gpu.resources.requests.memory` is 9Gi, more than"),
        (
            "profiles.cpu.fetch.resources.limits.cpu=1,profiles.cpu.fetch.resources.requests.cpu=2",
            "`profiles.cpu.fetch.resources.requests.cpu` is 2, more than",
        ),
        ("tolerations[0].key=a,tolerations[0].operator=Exists,tolerations[0].value=b", "Remove the value, or change"),
        ("tolerations[0].effect=NoExecute", "`tolerations[0]` has no key. Give one, or operator Exists"),
        ("profiles.cpu.tolerations[0].key=a,profiles.cpu.tolerations[0].tolerationSeconds=5", "belong to effect NoEx"),
        (f"affinity.{TERM}.key=a,affinity.{TERM}.operator=In", f"`affinity.{TERM}` has operator In and no values."),
        (f"affinity.{TERM}.key=a,affinity.{TERM}.operator=Gt,affinity.{TERM}.values={{b}}", "with one whole number."),
        (
            f"affinity.{TERM}.key=a,affinity.{TERM}.operator=Exists,affinity.{TERM}.values={{b}}",
            "has operator Exists and values, which belong to In and NotIn.",
        ),
        (
            f"networkPolicy.operator.enabled=true,{PEER}.ipBlock.cidr=10.0.0.0/8,{PEER}.podSelector.matchLabels.a=b",
            "`networkPolicy.operator.from[0]` has an ipBlock and a selector.",
        ),
        ("networkPolicy.operator.from[0].podSelector.matchLabels.a=b", "so that nobody is kept out. --set networkPol"),
        (
            "networkPolicy.services.metricsFrom[0].podSelector.matchLabels.a=b",
            "`networkPolicy.services.namespaces` is empty, so that nobody is kept out. Name the namespaces",
        ),
        ("env[0].name=A,env[0].value=b,env[1].name=A,env[1].value=c", "`env` gives A twice. Keep one."),
        ("env[0].name=A,env[0].value=b,env[0].valueFrom.fieldRef.fieldPath=spec.nodeName", "a value and a valueFrom"),
        ("page.enabled=true,fullnameOverride=a.b", 'with `page.enabled` "a.b" becomes the name of a Service'),
        (
            "serviceAccount.create=false,serviceAccount.name=a,serviceAccount.annotations.b=c",
            "`serviceAccount.annotations` are for the account that this chart makes",
        ),
        ("podLabels.a=b c", "at '/podLabels/a': 'b c' does not match pattern"),
        ("podLabels.a b=c", "invalid propertyName 'a b'"),
    ],
)
def test_the_operator_chart_refuses(helm: Helm, option: str, message: str) -> None:
    assert message in helm.refusal(OPERATOR, "--set", option)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("resources.limits.cpu=1,resources.requests.cpu=1500m", "`resources.requests.cpu` is 1500m, more than"),
        ("test.resources.requests.memory=1Gi", "`test.resources.requests.memory` is 1Gi, more than"),
        ("model.source.pvc.path=a/../b", "`model.source.pvc.path` is a/../b, and leads out by `..`."),
        ("model.source.pvc.path=/a", "at '/model/source/pvc/path'"),
        (
            f"{NO_CLAIM},model.source.http.url=https://u:p@a/b.zip",
            "`model.source` has a user or password in an address",
        ),
        (
            f"{NO_CLAIM},model.source.http.url=http://a/b.zip,model.source.http.credentialsSecret=c",
            "would go over the network in",
        ),
        (
            f"{NO_CLAIM},model.source.s3.uri=s3://bucket/a,model.source.s3.caConfigMap=b",
            "`model.source.s3.caConfigMap` has no eff",
        ),
        (
            f"{NO_CLAIM},model.source.oss.region=a,model.source.oss.uri=oss://bucket/a/../b",
            "`model.source.oss.uri` is oss://bucket/a/../b, and",
        ),
        (
            f"{NO_CLAIM},{GCS}.uri=gs://bucket/a,{GCS}.endpoint=http://a,{GCS}.credentialsSecret=b",
            "`model.source.gcs.credentialsSecret` would go over the network in plain text.",
        ),
        ("engine.mode=pipeline,engine.backend=Auto", "`engine.backend` is Auto, which needs mode direct"),
        ("engine.mode=pipeline,engine.warmup.shapes[0].inputs.x={1}", "`engine.warmup.shapes` need mode direct"),
        ("rollout.drift.samples=Replay,rollout.drift.mode=Ignore", "`rollout.drift.samples` is Replay, which keeps"),
        ("rollout.drift.samples=Replay,rollout.strategy=Recreate", "`rollout.drift.samples` is Replay, which keeps"),
        ("rollout.progressDeadline=0s", "at '/rollout/progressDeadline'"),
        ("disruption.enabled=false,disruption.maxUnavailable=2", "no effect while `disruption.enabled` is false"),
        ("networkPolicy.from[0].podSelector.matchLabels.a=b", "`networkPolicy.enabled` is false, so that nobody is"),
        (
            "networkPolicy.operatorNamespace=a",
            "`networkPolicy.operatorNamespace` is given, but `networkPolicy.enabled`",
        ),
        ("pod.env[0].name=A,pod.env[0].value=b,pod.env[1].name=A,pod.env[1].value=c", "`pod.env` gives A twice."),
        (
            f"{SPREAD}.whenUnsatisfiable=ScheduleAnyway,{SPREAD}.minDomains=2,{SPREAD}.topologyKey=a,{SPREAD}.maxSkew=1",
            "has minDomains with ScheduleAnyway, and they belong to DoNotSchedule.",
        ),
        (ROUTE, "`httpRoute.parentRefs` names Gateway a twice. Remove one, or give each a sectionName of its own."),
        ("ingress.enabled=true,ingress.hosts[0].host=10.0.0.1", "`ingress` names 10.0.0.1, and an Ingress takes names"),
        ("ingress.enabled=true,ingress.hosts[0].path=/a//b", "`ingress.hosts` has the path /a//b, and a path of type"),
    ],
)
def test_the_serving_chart_refuses(helm: Helm, option: str, message: str) -> None:
    assert message in helm.refusal(SERVING, "--set", option, values=MINIMAL)


def test_what_both_charts_know_of_kubernetes_is_the_same() -> None:
    ours, theirs = ((CHARTS / chart / "templates" / "_kubernetes.tpl").read_text() for chart in (OPERATOR, SERVING))
    assert ours.replace(OPERATOR, SERVING) == theirs


BOUNDS = ("maxLength", "maxItems", "maxProperties", "minimum", "maximum", "pattern")
ELSEWHERE = {"/model/digest pattern", "/engine/overrides/* maxLength"}
"""The chart's own sentence asks for the first; numbers of the second become text."""


def bounds(definition: Manifest, values: Manifest, root: Manifest, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Each bound of the definition, with what the schema of the values of the same name says in its place."""
    while "$ref" in values:
        values = root["definitions"][values["$ref"].removeprefix("#/definitions/")]
    for name in set(BOUNDS) & set(definition):
        words = [values, *(one for one in values.get("anyOf", ()))]
        yield f"{path} {name}", definition[name], [one[name] for one in words if name in one]
    for key, child in definition.get("properties", {}).items():
        if key in values.get("properties", {}):
            yield from bounds(child, values["properties"][key], root, f"{path}/{key}")
    for word, step in (("items", "#"), ("additionalProperties", "*")):
        if isinstance(definition.get(word), dict) and isinstance(values.get(word), dict):
            yield from bounds(definition[word], values[word], root, f"{path}/{step}")


def test_no_value_of_a_service_may_be_longer_or_larger_than_its_field(crd: Manifest) -> None:
    schema = json.loads((CHARTS / SERVING / "values.schema.json").read_text())
    jsonschema.Draft7Validator.check_schema(schema)
    spec = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    found = [one for one in bounds(spec, schema, schema) if one[0] not in ELSEWHERE]
    assert len(found) > 100
    missing = [(place, bound) for place, bound, given in found if not given]
    assert not missing, "\n".join(map(str, missing))
    larger = [
        (place, bound, given)
        for place, bound, given in found
        if place.rpartition(" ")[2].startswith("max") and max(given) > bound
    ]
    assert not larger, "\n".join(map(str, larger))
