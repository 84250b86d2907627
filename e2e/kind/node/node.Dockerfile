# A kind node from Debian's packages: the files of kind's own base image (images/base of its module) are put into
# files/ by node_image.py. For the engine's classic builder and BuildKit alike.
FROM debian:bookworm-slim
RUN set -eux; \
    apt-get update; \
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
      bash ca-certificates conntrack containerd containernetworking-plugins curl e2fsprogs ethtool iproute2 iptables jq \
      kmod libseccomp2 mount nftables pigz procps runc socat systemd util-linux; \
    rm -rf /var/lib/apt/lists/*; \
    cd /lib/systemd/system; \
    rm -f sysinit.target.wants/systemd-tmpfiles-setup.service multi-user.target.wants/* local-fs.target.wants/* \
      sockets.target.wants/*udev* sockets.target.wants/*initctl* basic.target.wants/* /etc/systemd/system/*.wants/* \
      containerd.service; \
    echo "ReadKMsg=no" >> /etc/systemd/journald.conf; \
    ln -sf /usr/lib/systemd/systemd /sbin/init; \
    ln -s /usr/bin/containerd /usr/bin/ctr /usr/local/bin/; \
    mkdir -p /opt/cni/bin /etc/kubernetes/manifests; \
    cp /usr/lib/cni/* /opt/cni/bin/
# After the packages: Debian's containerd brings a config.toml of its own, and dpkg stops at a file it would overwrite.
COPY files/ /
# No rlimits and no lower OOM scores: both need CAP_SYS_RESOURCE, which a host may not have to give.
RUN set -eux; \
    chmod 755 /usr/local/bin/* /kind /kind/bin /kind/bin/*; \
    systemctl enable kubelet.service containerd.service undo-mount-hacks.service; \
    ctr oci spec > /tmp/spec.json; \
    jq '.hooks.createContainer = [{"path": "/kind/bin/mount-product-files.sh"}] | del(.process.rlimits)' /tmp/spec.json \
      > /etc/containerd/cri-base.json; \
    rm /tmp/spec.json; \
    sed -i -e 's/restrict_oom_score_adj = false/restrict_oom_score_adj = true/' /etc/containerd/config.toml
COPY bin/kubernetes /usr/bin/kubernetes
COPY bin/crictl /usr/local/bin/crictl
COPY manifests/ /kind/manifests/
COPY images.tar image-names version pause-image /kind/
# What the control plane runs is imported here, under the names by which kubeadm and kind's manifests ask for it.
RUN set -eux; \
    for name in kubelet kubeadm kubectl; do ln -s kubernetes /usr/bin/$name; done; \
    sed -i "s#registry.k8s.io/pause:[0-9.]*#$(cat /kind/pause-image)#" /etc/containerd/config.toml; \
    containerd > /dev/null 2>&1 & pid=$!; \
    until ctr version > /dev/null 2>&1; do sleep 0.2; done; \
    ctr --namespace k8s.io images import --no-unpack /kind/images.tar > /dev/null; \
    while read -r ours name; do ctr --namespace k8s.io images tag --force "$ours" "$name"; done < /kind/image-names; \
    cut -d ' ' -f 1 /kind/image-names > /kind/our-names; \
    sort -u -o /kind/our-names /kind/our-names; \
    while read -r ours; do ctr --namespace k8s.io images rm "$ours"; done < /kind/our-names; \
    kill "$pid"; wait "$pid" || true; \
    rm -rf /run/containerd /kind/images.tar /kind/image-names /kind/our-names /kind/pause-image
ENV container=docker
STOPSIGNAL SIGRTMIN+3
ENTRYPOINT ["/usr/local/bin/entrypoint", "/sbin/init"]
