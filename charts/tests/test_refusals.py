"""Wrong values are refused before anything reaches the cluster, with a message that names them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from charts.tests.conftest import Helm

OPERATOR, SERVING = "paddle-serving-operator", "paddle-serving"
MINIMAL = Path(__file__).resolve().parents[1] / SERVING / "ci" / "default-values.yaml"
GPU = "profiles.gpu.resources"
KEDA = "keda.enabled=true,keda.prometheus.serverAddress=http://prometheus:9090"
CANARY = "rollout.strategy=Canary,rollout.steps[0].weight=20"


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("monitoring.podMonitor.interval=soon", "at '/monitoring/podMonitor/interval'"),
        ("monitoring.podMonitor.enable=true", "additional properties 'enable' not allowed"),
        ("lgoLevel=DEBUG", "additional properties 'lgoLevel' not allowed"),
        ("image.tga=v2", "at '/image': additional properties 'tga' not allowed"),
        ("rbac.scope=Everything", "at '/rbac/scope': value must be one of 'Cluster', 'Namespaced'"),
        ("workers=0", "at '/workers': minimum: got 0, want 1"),
        ("resources.limits.memory=null", "at '/resources/limits': missing property 'memory'"),
        ("profiles.cpu.resources.limits.memroy=1Gi", "additional properties 'memroy' not allowed"),
        ("profiles.cpu.runtimeClass=nvidia", "at '/profiles/cpu': additional properties 'runtimeClass' not allowed"),
        ("resources.limits.cpu=0m", "/resources/limits/cpu"),
        ("profiles.cpu.resources.limits.memory=0.0Gi", "/profiles/cpu/resources/limits/memory"),
        (f"{GPU}.limits.nvidia\\.com/gpu=0", "/profiles/gpu/resources/limits"),
        ("profiles.cpu.fetch.resources.limits.cpu=0", "/profiles/cpu/fetch/resources/limits/cpu"),
        ("profiles.cpu.fetch.cache.hostPath=models", "/profiles/cpu/fetch/cache/hostPath"),
        (
            "profiles.cpu.fetch.cache.hostPath=/a,profiles.cpu.fetch.cache.persistentVolumeClaim=b",
            "`profiles.cpu.fetch.cache` has a persistentVolumeClaim and a hostPath",
        ),
        (f"{GPU}.limits.cpu=null", "at '/profiles/gpu/resources/limits': missing property 'cpu'"),
        ("profiles.mine.image.repository=runtime", "`profiles.mine.resources.limits.cpu` is missing"),
        ("profiles.mine.resources.limits.cpu=1,profiles.mine.resources.limits.memory=1Gi", "`profiles.mine.image.rep"),
        ("profiles.My_Profile.image.repository=runtime", "invalid propertyName 'My_Profile'"),
        ("profiles.cpu=null", "profile `cpu` was removed"),
        ("watchNamespaces={team-a}", "`watchNamespaces` names team-a, but `rbac.scope` is Cluster"),
        ("serviceAccount.create=false", "Name an account, for example --set serviceAccount.name="),
        ("env[0].name=WORKERS", "`env` sets WORKERS, which the chart sets itself"),
        ("env[0].name=PAGE_ENDPOINT", "`env` sets PAGE_ENDPOINT, which the chart sets itself"),
        ("page.enabled=true,page.port=8080", "`page.port` is 8080, where the health probe and the metrics are"),
        ("page.port=80", "/page/port"),
        ("env[0].name=A,env[0].valueFrom.fieldReff.fieldPath=a", "additional properties 'fieldReff' not allowed"),
        ("affinity.nodeAffinty.a=b", "at '/affinity': additional properties 'nodeAffinty' not allowed"),
        (
            "rbac.scope=Namespaced,priorityClasses[0].name=models,priorityClasses[0].value=5",
            "`priorityClasses` has models, and `rbac.scope` Namespaced makes nothing that belongs to the cluster",
        ),
        (
            "rbac.scope=Namespaced,networkPolicy.services.namespaces={team-a}",
            "`networkPolicy.services.namespaces` names team-a, which the operator does not watch",
        ),
        (
            "imageRegistry=https://registry.example.com",
            '`imageRegistry` is "https://registry.example.com", which no name',
        ),
        ("image.registry=oci://a.example.com", "`image.registry` is"),
        ("imageRegistry=r.example.com/ML", "`imageRegistry` is"),
        ("image.repository=r.example.com/operator:1", "at '/image/repository'"),
        ("image.repository=r.example.com:5000/Operator", "at '/image/repository'"),
        ("profiles.vision.image.registry=a example.com", "`profiles.vision.image.registry` is"),
    ],
)
def test_the_operator_chart_refuses(helm: Helm, option: str, message: str) -> None:
    assert message in helm.refusal(OPERATOR, "--set", option)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("replicsa=2", "additional properties 'replicsa' not allowed"),
        ("model.source.pvc.claim=models", "at '/model/source/pvc': additional properties 'claim' not allowed"),
        (
            "model.source.pvc.claimName=,model.source.oss.uri=oss://models/a",
            "`model.source.oss.region` is missing, and OSS does not say in which region a bucket is",
        ),
        ("model.source.gcs.region=eu", "at '/model/source/gcs': additional properties 'region' not allowed"),
        ("engine.mode=brpc", "at '/engine/mode': value must be one of 'direct', 'pipeline'"),
        ("engine.workers=0", "/engine/workers"),
        ("rollout.progressDeadline=600", "/rollout/progressDeadline"),
        ("pod.tolerations[0].kye=models", "additional properties 'kye' not allowed"),
        ("resources.limits.cpu=two", "/resources/limits/cpu"),
        ("resources.limits.cpu=0", "`resources.limits.cpu` is 0, which is no limit. Give more than 0"),
        ("resources.limits.memory=-1", "at '/resources/limits/memory': minimum: got -1, want 0"),
        ("resources.requests.cpu=0", "at '/resources/requests/cpu': exclusiveMinimum: got 0, want 0"),
        ("resources.limits.cpu=0m", "`resources.limits.cpu` is 0m, which is no limit. Give more than 0"),
        ("resources.limits.memory=0.00Gi", "`resources.limits.memory` is 0.00Gi, which is no limit"),
        ("resources.limits.nvidia\\.com/gpu=0", "`resources.limits.nvidia.com/gpu` is 0, which is no limit"),
        (
            "pod.serviceAccount.name=a,pod.serviceAccount.annotations.b=c",
            "`pod.serviceAccount` has a name and annotations",
        ),
        ("resources.limits.cpu=", "`resources.limits.cpu` is missing. Give cpu and memory limits, for example --set"),
        ("resources.limits.memory=null", "`resources.limits.memory` is missing. Give cpu and memory limits"),
        ("resources.limits=null", "`resources.limits` is missing. Give cpu and memory limits, for example --set"),
        ("model.digest=", "`model.digest` is missing."),
        ("model.digest=null", "`model.digest` is missing."),
        ("model=null", "`model.digest` is missing."),
        ("model.source=null", "`model.source` is missing."),
        ("model.source.pvc=null", "`model.source` is missing."),
        ("resources=null", "`resources.limits` is missing."),
        ("enabled=maybe", "at '/enabled': got string, want null or boolean"),
        ("model.digest=latest", '`model.digest` is "latest". A digest is sha256: and 64 hexadecimal digits'),
        ("model.source.pvc.claimName=", "`model.source` is missing. Say where the package is"),
        (
            "model.source.http.url=http://models/x.zip",
            "`model.source` names http and pvc. A package comes from one place",
        ),
        ("model.source.s3.uri=s3://models/a", "`model.source` names pvc and s3. A package comes from one place"),
        (
            "model.source.s3.credentialsSecret=aws",
            "`model.source.s3.credentialsSecret` has no effect, because the pack",
        ),
        ("model.source.image.pullPolicy=Always", "`model.source.image.pullPolicy` has no effect, because the package"),
        ("model.source.pvc.claimName=,model.source.image.reference=a b", "at '/model/source/image/reference'"),
        ("engine.mode=pipeline,engine.batching.maxRows=4", "`engine.batching` needs mode direct"),
        ("engine.batching.mode=On", "at '/engine/batching/mode'"),
        (
            "rollout.maxSurge=5",
            "`rollout.maxSurge` is about the pods of strategy Canary, and `rollout.strategy` is Blue",
        ),
        ("autoscaling.maxReplicas=3,autoscaling.queueSeconds=0.0", "at '/autoscaling/queueSeconds'"),
        ("consistency.rtol=0.1", "`consistency.rtol` and `consistency.atol` have no effect in mode Exact"),
        ("consistency.mode=Tolerance", "`consistency.rtol` and `consistency.atol` are both 0"),
        ("consistency.recheckInterval=9s", "`consistency.recheckInterval` is 9s. Give 10s or more"),
        ("consistency.recheckInterval=0m5s", "`consistency.recheckInterval` is 0m5s. Give 10s or more"),
        ("consistency.recheckInterval=often", "at '/consistency/recheckInterval': "),
        ("rollout.strategy=AllAtOnce", "value must be one of 'BlueGreen', 'Canary', 'Recreate'"),
        (
            "rollout.steps[0].weight=20",
            "`rollout.steps` belong to strategy Canary, and `rollout.strategy` is BlueGreen",
        ),
        ("rollout.strategy=Canary", "`rollout.strategy` is Canary, but `rollout.steps` is empty. Give at least one"),
        (f"{CANARY},rollout.steps[1].weight=20", "`rollout.steps` has the weight 20 after 20. A step gives more than"),
        (f"{CANARY},rollout.steps[1].weight=5", "`rollout.steps` has the weight 5 after 20. A step gives more than"),
        (f"{CANARY},rollout.steps[1].weight=100", "at '/rollout/steps/1/weight': maximum: got 100, want 99"),
        (f"{CANARY},rollout.steps[0].pause=60", "at '/rollout/steps/0/pause'"),
        (f"{CANARY},rollout.steps[0].pause.until=noon", "at '/rollout/steps/0/pause'"),
        ("rollout.analysis.maxErrorRatio=0.1", "`rollout.analysis` looks at the steps of strategy Canary"),
        ("rollout.analysis.maxErrorRatio=0", "`rollout.analysis` looks at the steps of strategy Canary"),
        ("rollout.analysis.minRequests=10", "`rollout.analysis` looks at nothing. Give"),
        ("rollout.analysis.interval=30s", "`rollout.analysis` looks at nothing. Give"),
        ("rollout.maxSurge=many", "at '/rollout/maxSurge'"),
        ("rollout.maxUnavailable=101%", "at '/rollout/maxUnavailable'"),
        ("disruption.maxUnavailable=101%", "at '/disruption/maxUnavailable'"),
        (
            "rollout.strategy=Recreate,rollout.drift.mode=Require",
            "`rollout.drift.mode` is Require, but `rollout.strategy` Recreate ends the pods",
        ),
        ("rollout.drift.mode=Warn", "value must be one of 'Ignore', 'Report', 'Require', 'Off'"),
        ("rollout.drift.requests=1001", "at '/rollout/drift/requests': maximum: got 1,001, want 1,000"),
        ("traffic.mode=Gateway", "`traffic.mode` is Gateway, but `traffic.parentRefs` is empty. Name the Gateway"),
        ("traffic.parentRefs[0].name=public", "`traffic.parentRefs` belong to mode Gateway, and `traffic.mode` is"),
        ("traffic.hostnames[0]=ocr.example.com", "`traffic.hostnames` belong to mode Gateway, and `traffic.mode` is"),
        ("autoscaling.minReplicas=2", "`autoscaling.minReplicas` has no effect without `autoscaling.maxReplicas`"),
        (
            "autoscaling.cpuUtilization=50",
            "`autoscaling.cpuUtilization` has no effect without `autoscaling.maxReplicas`",
        ),
        ("autoscaling.queueSeconds=1", "`autoscaling.queueSeconds` has no effect without `autoscaling.maxReplicas`"),
        (
            "autoscaling.maxReplicas=2,autoscaling.queueSeconds=1,autoscaling.cpuUtilization=50",
            "`autoscaling.cpuUtilization` and `autoscaling.queueSeconds` are both given",
        ),
        ("autoscaling.maxReplicas=1,autoscaling.minReplicas=2", "`autoscaling.minReplicas` is 2, more than"),
        (
            "autoscaling.maxReplicas=5,replicas=3",
            "`replicas` is 3, but with `autoscaling` the autoscaler sets the number",
        ),
        (
            "autoscaling.maxReplicas=5,replicas=0",
            "`replicas` is 0, but with `autoscaling` the autoscaler sets the number",
        ),
        (f"{KEDA},autoscaling.maxReplicas=5", "`keda.enabled` is true and `autoscaling.maxReplicas` is given"),
        (f"{KEDA},replicas=3", "`replicas` is 3, but with `keda` the autoscaler sets the number of pods"),
        ("keda.enabled=true", "`keda.enabled` is true, but there is nothing to scale by. Name Prometheus"),
        (f"{KEDA},keda.minReplicas=0", "`keda.minReplicas` is 0, but without pods no request waits"),
        (f"{KEDA},keda.minReplicas=20", "`keda.minReplicas` is 20, more than `keda.maxReplicas`, which is 10"),
        ("ingress.enabled=true", "`ingress.enabled` is true, but `ingress.hosts` is empty. Name the host"),
        (
            "httpRoute.enabled=true",
            "`httpRoute.enabled` is true, but `httpRoute.parentRefs` is empty. Name the Gateway",
        ),
        (
            "grpcRoute.enabled=true",
            "`grpcRoute.enabled` is true, but `grpcRoute.parentRefs` is empty. Name the Gateway",
        ),
        (
            "httpRoute.enabled=true,traffic.mode=Gateway,traffic.parentRefs[0].name=public",
            "`httpRoute.enabled` is true, but with `traffic.mode` Gateway the operator makes an HTTPRoute",
        ),
        ("networkPolicy.from[0].podSelektor.matchLabels.a=b", "additional properties 'podSelektor' not allowed"),
        ("fullnameOverride=OCR", '"OCR" cannot be the name of a PaddleService'),
        ("fullnameOverride=v2", "a model cannot be called v2"),
        ("model.name=v2", "a model cannot be called v2"),
        ("fullnameOverride=1ocr", '"1ocr" cannot be the name of a PaddleService'),
        ("fullnameOverride=ocr-stable", '"ocr-stable" cannot be the name of a PaddleService'),
        ("test.expect.text=hello", "`test.expect` says what to expect, but `test.request` is empty"),
        ("test.request=hello", "`test.request` is not a JSON object"),
    ],
)
def test_the_serving_chart_refuses(helm: Helm, option: str, message: str) -> None:
    assert message in helm.refusal(SERVING, "--set", option, values=MINIMAL)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (KEDA, "`keda.enabled` is true, but this cluster has no ScaledObject (keda.sh/v1alpha1). Install KEDA first"),
        (
            "httpRoute.enabled=true,httpRoute.parentRefs[0].name=public",
            "this cluster has no HTTPRoute (gateway.networking.k8s.io/v1). Install the Gateway API",
        ),
        (
            "grpcRoute.enabled=true,grpcRoute.parentRefs[0].name=public",
            "this cluster has no GRPCRoute (gateway.networking.k8s.io/v1). Install the Gateway API",
        ),
    ],
)
def test_a_kind_that_the_cluster_lacks_is_told_before_anything_is_made(helm: Helm, option: str, message: str) -> None:
    assert message in helm.refusal(SERVING, "--set", option, "--api-versions", "v1/Pod", values=MINIMAL)


def test_the_first_thing_that_is_asked_for_without_any_value_is_limits(helm: Helm) -> None:
    assert (
        "charts/paddle-serving: `resources.limits` is missing. Give cpu and memory limits, for example "
        "--set resources.limits.cpu=2" in helm.refusal(SERVING)
    )


def test_a_sample_too_large_for_a_config_map_is_refused(helm: Helm, tmp_path: Path) -> None:
    sample = tmp_path / "large.json"
    sample.write_text('{"key": ["image"], "value": ["' + "A" * 900_000 + '"]}')
    refusal = helm.refusal(SERVING, f"--set-file=test.request={sample}", values=MINIMAL)
    assert "`test.request` is longer than 900,000 characters" in refusal


@pytest.mark.parametrize("chart", [OPERATOR, SERVING])
def test_kubernetes_without_validation_rules_is_refused(helm: Helm, chart: str) -> None:
    refusal = helm.refusal(chart, "--kube-version", "1.28.0", values=None if chart == OPERATOR else MINIMAL)
    assert "chart requires kubeVersion: >=1.29.0-0" in refusal
