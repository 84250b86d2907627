#!/bin/sh
# Writes bytecode where it is read: what a process of the runtime imports. A module without bytecode works as well, a few
# milliseconds later.
set -eu
python=$1/bin/python
packages=$1/lib/python3.11/site-packages
"$python" -m compileall -q "$packages/paddle_serving_server" "$packages/paddle_serving_app"
if [ -d "$packages/nvidia" ]; then # a build machine may have no driver, which Paddle for GPUs may ask for
  "$python" -m compileall -q "$packages/paddle" || echo "not all of Paddle's files are Python 3.11" >&2
else
  "$python" -c 'import paddle, paddle.inference, paddle.vision'
fi
"$python" -c 'import PIL.Image; PIL.Image.init()'
"$python" -c 'import flask, func_timeout, google.protobuf.json_format, minio, orjson, prometheus_client.core, requests, simdjson, yaml'
"$python" -c 'import grpc.aio, grpc_health.v1.health, grpc_reflection.v1alpha.reflection'
"$python" -c 'import uvicorn.protocols.http.httptools_impl, uvloop'
