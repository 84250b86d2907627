"""What kind is told of a cluster. Pure."""

import json
from pathlib import Path

AUDIT_LOG = "/var/log/kubernetes/audit.jsonl"
_AUDIT_POLICY = Path(__file__).resolve().parent / "audit-policy.yaml"
_POLICY_IN_NODE = "/etc/kubernetes/audit-policy.yaml"
_LOGS = str(Path(AUDIT_LOG).parent)
_AUDITED = {
    "extraArgs": {"audit-policy-file": _POLICY_IN_NODE, "audit-log-path": AUDIT_LOG},
    "extraVolumes": [
        {
            "name": "policy",
            "hostPath": _POLICY_IN_NODE,
            "mountPath": _POLICY_IN_NODE,
            "readOnly": True,
            "pathType": "File",
        },
        {"name": "audit", "hostPath": _LOGS, "mountPath": _LOGS, "pathType": "DirectoryOrCreate"},
    ],
}


def configuration(count: int, *, has_network: bool) -> str:
    """Kind's configuration: a control plane, which takes workloads where it is alone, and `count` - 1 workers.

    The API server keeps an audit log of the operator's calls in the control plane's AUDIT_LOG.
    """
    mounted = [{"hostPath": str(_AUDIT_POLICY), "containerPath": _POLICY_IN_NODE, "readOnly": True}]
    control_plane = {"role": "control-plane", "extraMounts": mounted}
    return json.dumps(
        {
            "kind": "Cluster",
            "apiVersion": "kind.x-k8s.io/v1alpha4",
            "featureGates": {"ImageVolume": True},  # on by default from Kubernetes 1.35
            "networking": {"disableDefaultCNI": not has_network},
            "kubeadmConfigPatches": [json.dumps({"kind": "ClusterConfiguration", "apiServer": _AUDITED})],
            "nodes": [control_plane, *({"role": "worker"} for _ in range(count - 1))],
        }
    )
