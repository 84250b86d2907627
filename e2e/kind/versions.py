"""Everything that is pinned, and version numbers as tuples that compare."""

import re

Version = tuple[int, int, int]

KUBERNETES = "v1.34.4"  # the last minor release that runs on cgroup v1 by default
KIND = "v0.33.0"
HELM = "v3.22.0"
HELM4 = "v4.3.2"
GO_MINIMUM: Version = (1, 26, 2)  # what cri-tools' go.mod asks for; the other modules ask for less

# Published with kind v0.33.0 (its release notes list the digest); a node image goes with one kind release only.
UPSTREAM_NODE_IMAGE = "kindest/node:v1.34.11@sha256:44e222ee2132dab25ff87301682f89eb82c7880ea3a1bf543bfe9708fd08d67d"

# What kubeadm of KUBERNETES asks for (its constants DefaultEtcdVersion, CoreDNSVersion, PauseVersion).
ETCD_TAG = "3.6.5-0"
COREDNS = "v1.12.1"
PAUSE_TAG = "3.10.1"
CRICTL = "v1.36.0"
STORAGE_PROVISIONER = "v0.0.30"
CONTAINERD = "v2.2.9"  # of the nodes that mount images as volumes; the others have Debian's

# What tests put into a cluster, and beside the API server of the integration tests.
ENVOY_GATEWAY = "v1.9.1"
ENVOY = "v1.40.0"  # as envoy-requirements.txt
METRICS_SERVER = "v0.9.0"
KWOK = "v0.8.0"

BASE_IMAGE = "debian:bookworm-slim"
DEBIAN_RELEASE = "bookworm"


def parse(text: str) -> Version | None:
    """The first version number in a program's output, or None where there is none.

    `v1.32.4-dispatcher` is (1, 32, 4), `go1.26` is (1, 26, 0): a missing patch level is zero, suffixes are ignored.
    """
    found = re.search(r"(?<![\d.])(\d+)\.(\d+)(?:\.(\d+))?", text)
    return (int(found[1]), int(found[2]), int(found[3] or 0)) if found else None


def show(version: Version) -> str:
    """`1.26.2` for (1, 26, 2)."""
    return ".".join(map(str, version))
