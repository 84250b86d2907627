# The serving image with what published services of vision and text import beside it: OpenCV, shapely, pyclipper,
# sentencepiece. One more layer on either variant; nodes that have the serving image pull that layer alone.
ARG BASE=debian:bookworm-slim
ARG RUNTIME_IMAGE=paddle-serving-runtime:0.1.0

FROM ${BASE} AS wheels
ENV PIP_CERT=/etc/ssl/certs/ca-certificates.crt
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates python3 python3-venv \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/*
COPY requirements-build.txt requirements-vision.txt /build/
RUN python3 -m venv /opt/pip && /opt/pip/bin/pip install --no-cache-dir --require-hashes --requirement /build/requirements-build.txt
RUN python3 -m venv --without-pip /opt/vision \
    && /opt/pip/bin/pip --python /opt/vision/bin/python install --no-cache-dir --no-compile --no-deps --only-binary :all: \
        --require-hashes --requirement /build/requirements-vision.txt \
    && rm -rf /opt/vision/lib/python3.11/site-packages/shapely/tests

FROM ${RUNTIME_IMAGE}
COPY --from=wheels /opt/vision/lib/python3.11/site-packages/ /opt/vision/
COPY build/vision.pth /opt/venv/lib/python3.11/site-packages/
USER 65532:65532
