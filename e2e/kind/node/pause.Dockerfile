# catatonit -P waits and reaps, which is all that a sandbox's process has to do.
FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends catatonit \
    && rm -rf /var/lib/apt/lists/*
ENTRYPOINT ["/usr/bin/catatonit", "-P"]
