FROM debian:bookworm-slim
COPY envoy-gateway /usr/local/bin/envoy-gateway
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/envoy-gateway"]
