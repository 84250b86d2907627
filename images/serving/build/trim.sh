#!/bin/sh
# Takes out of a virtual environment what serving never opens: C++ headers, type stubs, test suites, the gateway of the
# stock server (HAProxy is the front), and OpenVINO's CPU plug-in, which Paddle loads only for Config.enable_openvino_engine.
set -eu
packages=$1/lib/python3.11/site-packages
rm -rf "$packages/paddle/include" \
  "$packages/paddle/libs/libopenvino_intel_cpu_plugin.so" \
  "$packages/paddle_serving_server/pipeline/gateway/libproxy_server.so"
find "$packages" \( -name '*.pyi' -o -name '*.a' \) -type f -delete
find "$packages" -type d \( -name tests -o -name test \) -path '*/numpy/*' -prune -exec rm -rf {} +
