#!/usr/bin/env bash
# Serving test: bash test_tipc/test_serving.sh CONFIG [GPU_ID] [--target local|kubernetes], from the repository's root.
# Exit status 0 only if every command succeeded and every answer equals Paddle Inference.
exec bash "$(dirname "${BASH_SOURCE[0]}")/tipc/start.sh" test_serving.sh tipc "$@"
