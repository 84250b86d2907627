"""How long a build takes, for whoever waits for it."""

from collections.abc import Mapping

MEASURED_ON = 2
SECONDS: Mapping[str, float] = {
    "kind": 19,
    "helm": 75,
    "helm4": 20,
    "kubectl": 45,
    "kubernetes": 264,
    "crictl": 62,
    "local-path-provisioner": 76,
    "coredns": 70,
    "envoy-gateway": 210,
    "metrics-server": 180,
    "kwok": 120,
}
"""Of a first build of each program, its sources fetched, on MEASURED_ON idle cores."""
MINUTE = 60.0


def estimate(artefact: str, cores: int) -> str:
    """`about 4 min on 2 idle cores` for an artefact such as kubernetes-v1.34.4-f20ecfe5c7; empty where nobody knows."""
    seconds = SECONDS.get(artefact.partition("-v")[0])
    if seconds is None:
        return ""
    expected = seconds * MEASURED_ON / cores
    length = f"{expected / MINUTE:.0f} min" if expected >= MINUTE else f"{max(10, round(expected, -1)):.0f} s"
    return f"about {length} on {cores} idle {'core' if cores == 1 else 'cores'}"
