#!/bin/sh
# Takes out of a virtual environment what serving never opens, and nothing that changes an answer (docs/image.md):
# headers and sources of C code, type stubs, test suites, the gateway of the stock server (HAProxy is the front).
set -eu
packages=$1/lib/python3.11/site-packages
rm -rf "$packages/paddle/include" \
  "$packages/paddle_serving_server/pipeline/gateway/libproxy_server.so"
find "$packages" -type f \( -name '*.pyi' -o -name '*.a' -o -name '*.h' -o -name '*.hpp' -o -name '*.c' -o -name '*.cc' \
  -o -name '*.cpp' -o -name '*.cu' -o -name '*.pyx' -o -name '*.pxd' -o -name '*.pxi' \) -delete
for suite in numpy networkx setuptools pkg_resources opt_einsum; do
  [ -d "$packages/$suite" ] || continue # Paddle for GPUs brings fewer wheels
  find "$packages/$suite" -type d -name tests -prune -exec rm -rf {} +
done
rm -rf "$packages/Crypto/SelfTest"
