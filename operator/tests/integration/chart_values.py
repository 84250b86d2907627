"""Values at the edge of what is possible, on both sides of it, each for a chart that has otherwise as few as can be."""

from collections.abc import Iterator
from typing import Any

NAMESPACE = "chart-values"
NAMES: list[Any] = ["1a", "a.b", "a..b", "A", "a b", "a" * 64, ""]
LABELS: list[Any] = [
    {"a": "b"},
    {"a": ""},
    {"a/b": "B_c.d"},
    {"a/b/c": "d"},
    {"A/b": "c"},
    {"": "a"},
    {"a": "b c"},
    {"a": "-"},
    {"a": "b" * 64},
    {"a" * 64: "b"},
    {"a.b/_c": "d"},
]
TOLERATIONS: list[Any] = [
    {"operator": "Exists"},
    {"key": "a"},
    {"key": "a", "operator": "Exists", "value": "b"},
    {"key": "a", "value": "b c"},
    {"key": "a b", "operator": "Exists"},
    {"value": "b"},
    {"operator": "Equal", "value": "b"},
    {"key": "a", "value": "b", "tolerationSeconds": 5},
    {"key": "a", "value": "b", "effect": "NoExecute", "tolerationSeconds": 5},
]
EXPRESSIONS: list[Any] = [
    {"key": "a", "operator": "In"},
    {"key": "a", "operator": "In", "values": ["b"]},
    {"key": "a", "operator": "In", "values": ["b c"]},
    {"key": "a b", "operator": "Exists"},
    {"key": "a", "operator": "Exists", "values": ["b"]},
    {"key": "a", "operator": "NotIn", "values": []},
    {"key": "a", "operator": "DoesNotExist", "values": []},
]
NODE_EXPRESSIONS: list[Any] = [
    *EXPRESSIONS,
    {"key": "a", "operator": "Gt", "values": ["5"]},
    {"key": "a", "operator": "Lt", "values": ["five"]},
    {"key": "a", "operator": "Gt", "values": ["5", "6"]},
    {"key": "a", "operator": "Gt"},
]
PEERS: list[Any] = [
    {"podSelector": {}},
    {"namespaceSelector": {"matchLabels": {"a": "b c"}}},
    *({"podSelector": {"matchExpressions": [one]}} for one in EXPRESSIONS),
    *({"ipBlock": {"cidr": cidr}} for cidr in ("10.0.0.0/8", "10.0.0.0", "10.0.0.0/33", "256.0.0.0/8", "fd00::/8")),
    {"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}},
    {"ipBlock": {"cidr": "10.0.0.0/8"}, "podSelector": {}},
]
RESOURCES: list[Any] = [
    {"limits": {"cpu": 1, "memory": "1Gi"}, "requests": {"cpu": "1000m", "memory": "1024Mi"}},
    {"limits": {"cpu": 1, "memory": "1Gi"}, "requests": {"cpu": "1001m", "memory": "1Gi"}},
    {"limits": {"cpu": 0.5, "memory": "1G"}, "requests": {"cpu": "500m", "memory": "1Gi"}},
    {"limits": {"cpu": "0.5", "memory": 1073741824}, "requests": {"cpu": 0.5, "memory": "1Gi"}},
    {"limits": {"cpu": 1, "memory": "2T"}, "requests": {"cpu": 1, "memory": "1Ti"}},
]
EXTENDED: list[Any] = [
    {"limits": {"cpu": 1, "memory": "1Gi", "example.com/card": limit}, "requests": {"example.com/card": request}}
    for limit, request in ((1, 1), (2, 1), ("1", "2"))
]


def affinities() -> Iterator[dict[str, Any]]:
    """Of nodes and of pods."""
    for expression in NODE_EXPRESSIONS:
        term = {"matchExpressions": [expression]}
        yield {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}}
    for field in ({"key": "metadata.name", "operator": "In", "values": ["a"]}, {"key": "a", "operator": "Exists"}):
        preferred = [{"weight": 1, "preference": {"matchFields": [field]}}]
        yield {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": preferred}}
    terms: list[dict[str, Any]] = [
        {"topologyKey": "a"},
        {"topologyKey": "a b"},
        {"topologyKey": "a", "namespaces": ["B"]},
    ]
    terms += [{"topologyKey": "a", "labelSelector": {"matchExpressions": [one]}} for one in EXPRESSIONS]
    for term in terms:
        yield {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}


def of_the_operator() -> Iterator[dict[str, Any]]:
    """Values of the operator's chart."""
    yield from ({key: name} for key in ("nameOverride", "fullnameOverride", "priorityClassName") for name in NAMES)
    yield from ({"page": {"enabled": True}, "fullnameOverride": name} for name in NAMES)
    yield from ({"serviceAccount": {"name": name}} for name in NAMES)
    yield from ({"imagePullSecrets": [{"name": name}]} for name in NAMES)
    yield from ({key: labels} for key in ("podLabels", "podAnnotations", "nodeSelector") for labels in LABELS)
    yield from ({"serviceAccount": {"annotations": labels}} for labels in LABELS)
    yield from ({"monitoring": {"podMonitor": {"enabled": True, "labels": labels}}} for labels in LABELS)
    yield from ({"monitoring": {"podMonitor": {"enabled": True, "interval": time}}} for time in ("0s", "1h1ms", "1d"))
    yield from ({"tolerations": [one]} for one in TOLERATIONS)
    yield from ({"affinity": one} for one in affinities())
    yield from ({"resources": one} for one in (*RESOURCES, *EXTENDED))
    yield from ({"networkPolicy": {"operator": {"enabled": True, "from": [peer]}}} for peer in PEERS)
    yield from ({"networkPolicy": {"services": {"namespaces": [NAMESPACE], "metricsFrom": [peer]}}} for peer in PEERS)
    yield {"networkPolicy": {"services": {"namespaces": [NAMESPACE, NAMESPACE]}}}
    for name in (*NAMES, "system-models", "systematic"):
        yield {"priorityClasses": [{"name": name, "value": 5}]}
    for value in (-2147483648, 1000000000, 1000000001):
        yield {"priorityClasses": [{"name": "models", "value": value}]}
    yield {"priorityClasses": [{"name": "a", "value": 1}, {"name": "a", "value": 2}]}
    yield {"priorityClasses": [{"name": name, "value": 1, "globalDefault": True} for name in "ab"]}
    sources: list[Any] = [
        *({"fieldRef": {"fieldPath": path}} for path in ("spec.nodeName", "spec.host", "metadata.labels['a']")),
        *({"resourceFieldRef": {"resource": name}} for name in ("limits.cpu", "limits.gpu")),
        *({"secretKeyRef": {"name": name, "key": "a"}} for name in NAMES),
        *({"configMapKeyRef": {"name": "a", "key": key}} for key in ("a", "a/b", "_.-")),
    ]
    yield from ({"env": [{"name": "A", "valueFrom": source}]} for source in sources)
    yield {"env": [{"name": "A", "value": "b", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}]}


SOURCES: list[Any] = [
    *({"pvc": {"claimName": "a", "path": path}} for path in ("a/b", "/a", "a/../b", "..", "a..b")),
    *(
        {"http": {"url": url}}
        for url in ("http://a/b.zip", "https://a", "ftp://a", "https://u:p@a/b", "https://a/@b", "hf://a/b@c", "hf://a")
    ),
    {"http": {"url": "http://a/b.zip", "credentialsSecret": "a"}},
    {"http": {"url": "https://a/b.zip", "credentialsSecret": "a"}},
    *({"s3": {"uri": uri}} for uri in ("s3://bucket/a", "s3://B/a", "s3://bucket/a/../b", "s3://bucket", "bucket/a")),
    *(
        {"s3": {"uri": "s3://bucket/a", "caConfigMap": "a", **more}}
        for more in (
            {},
            {"endpoint": "http://a"},
            {"endpoint": "https://a"},
            {"endpoint": "https://a", "region": "a b"},
        )
    ),
    *(
        {"s3": {"uri": "s3://bucket/a", "endpoint": endpoint}}
        for endpoint in ("https://u:p@a", "https://a/b", "a:9000")
    ),
    *({"image": {"reference": "a", "path": path}} for path in ("/a", "a", "/a/../b", "")),
]
TIMES = ("0s", "9s", "10s", "1h1m1s", "99999h", "9999h", "1000000m", "s", "", "1d")
ENGINES: list[Any] = [
    *({"mode": "pipeline", **more} for more in ({}, {"backend": "Auto"}, {"batching": {"mode": "Off"}})),
    {"mode": "pipeline", "warmup": {"shapes": [{"inputs": {"x": [1]}}]}},
    *({"warmup": {"shapes": [{"inputs": {"x": [size]}}]}} for size in (67108864, 67108865)),
    *({"warmup": {"shapes": [{"model": name, "inputs": {"x": []}}]}} for name in ("a@b", "a b")),
    *({"overrides": {key: "1"}} for key in ("op.rec.concurrency", "@a", "1a", "a b", "")),
    *({"overrides": {"a": value}} for value in ("b" * 1024, "b" * 1025, 1e300)),
    *({"script": script} for script in ("a.py --b", "-a", " a")),
]
CANARY: dict[str, Any] = {"strategy": "Canary", "steps": [{"weight": 5}]}
ROLLOUTS: list[Any] = [
    *({"progressDeadline": time} for time in TIMES),
    *({**CANARY, "analysis": {"maxErrorRatio": 0.1, "interval": time}} for time in TIMES),
    *({**CANARY, "analysis": {"maxErrorRatio": ratio}} for ratio in (0, 1, "0.5", "1.5", "1e-3", "1e3")),
    *({**CANARY, key: pods} for key in ("maxSurge", "maxUnavailable") for pods in (10000, 10001, "099%", "100%", "0%")),
    *({"drift": {"samples": "Replay", "mode": mode}} for mode in ("Report", "Ignore", "Off", False)),
    {"strategy": "Recreate", "drift": {"samples": "Replay"}},
    *({"drift": {"rtol": value}} for value in (0, 1, 1.5, "1", "1.5", "1e-5")),
]
SECRETS: list[Any] = [
    *({"security": {"tlsSecret": name}} for name in NAMES),
    *({"consistency": {"signingKeySecret": name}} for name in NAMES),
    *({"pod": {"serviceAccount": {"name": name}}} for name in NAMES),
]
PODS: list[Any] = [
    {"env": [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]},
    {"env": [{"name": "A" * 257, "value": "1"}]},
    {"imagePullSecrets": [{"name": "a"}, {"name": "a"}]},
    *(
        {"topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "a", "whenUnsatisfiable": when}] * times}
        for when, times in (("DoNotSchedule", 1), ("DoNotSchedule", 2))
    ),
]
HOSTS = ("a.example.com", "*.example.com", "*", "a_b.com", "A.com", "10.0.0.1", "a..b", "a.com:80", "")
PATHS = ("/", "/a", "/a//b", "/a/../b", "/a/.", "/a%2Fb", "/a..b", "/a/*")
PARENTS: list[Any] = [
    [{"name": "a"}, {"name": "a"}],
    [{"name": "a"}, {"name": "a", "namespace": "b"}],
    [{"name": "a", "sectionName": "b"}, {"name": "a", "sectionName": "c"}],
    [{"name": "a", "sectionName": "b"}, {"name": "a"}],
    [{"name": "a", "sectionName": "B"}],
    [{"name": "a", "namespace": "a.b"}],
    [{"name": "a", "sectionName": "b", "port": 1}, {"name": "a", "sectionName": "b", "port": 2}],
    [{"name": "a", "port": 1}, {"name": "a", "port": 2}],
]


def of_a_service() -> Iterator[dict[str, Any]]:
    """Values of the chart of a service."""
    for source in SOURCES:
        yield {"model": {"source": {"pvc": {"claimName": ""}} | source}}
    yield from ({"engine": one} for one in ENGINES)
    yield from ({"rollout": one} for one in ROLLOUTS)
    yield from SECRETS
    yield from ({"pod": one} for one in PODS)
    yield from ({key: labels} for key in ("labels", "annotations") for labels in LABELS)
    yield from ({"consistency": {"recheckInterval": time}} for time in TIMES)
    yield from ({"drain": {"delay": time}} for time in TIMES)
    yield from ({"consistency": {"mode": "Tolerance", "rtol": value}} for value in (1, 1.5, "0.5", "2", "1e-300"))
    yield from ({"consistency": {"maxTolerance": value}} for value in (0, 1, 2))
    yield from ({"disruption": {"enabled": on, "maxUnavailable": 2}} for on in (True, False))
    yield from ({"resources": one} for one in RESOURCES)
    yield from ({"networkPolicy": {"enabled": True, "from": [peer]}} for peer in PEERS)
    yield from ({"ingress": {"enabled": True, "hosts": [{"host": host}]}} for host in HOSTS)
    yield from ({"ingress": {"enabled": True, "hosts": [{}], "tls": [{"hosts": [host]}]}} for host in HOSTS if host)
    for path in PATHS:
        for kind in ("Prefix", "ImplementationSpecific"):
            yield {"ingress": {"enabled": True, "hosts": [{"path": path, "pathType": kind}]}}
    yield from ({"ingress": {"enabled": True, "hosts": [{}], "className": name}} for name in NAMES)
    yield from ({"ingress": {"enabled": True, "hosts": [{}], "tls": [{"secretName": name}]}} for name in NAMES)
    yield from ({"ingress": {"enabled": True, "hosts": [{}], "annotations": labels}} for labels in LABELS)
    for route in ("httpRoute", "grpcRoute"):
        yield from ({route: {"enabled": True, "parentRefs": parents}} for parents in PARENTS)
        yield from ({route: {"enabled": True, "parentRefs": [{"name": "a"}], "hostnames": [name]}} for name in HOSTS)
    yield {"keda": {"enabled": True, "prometheus": {"serverAddress": "http://a"}, "minReplicas": 1, "maxReplicas": 1}}
    yield from ({"test": {"request": {"a": 1}, "resources": one}} for one in RESOURCES)
    yield from ({"test": {"request": {"a": 1}, "serviceAccountName": name}} for name in NAMES)
    yield from ({"test": {"request": {"a": 1}, "image": {"repository": name}}} for name in ("a", " a", "a b"))
