# The static pods and kube-proxy of a node; the program acts by the name it is called by.
FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends conntrack iptables kmod nftables \
    && rm -rf /var/lib/apt/lists/*
COPY kubernetes /usr/local/bin/kubernetes
RUN cd /usr/local/bin \
    && for name in etcd kube-apiserver kube-controller-manager kube-proxy kube-scheduler; do ln -s kubernetes $name; done
