#!/usr/bin/env bash
# KServe 0.21.0 (Python SDK): a request of the Open Inference Protocol without `id` is answered with HTTP 500 where the model hands the id back.
#
# The guess: `id` is optional in the protocol, in requests and in responses alike, and InferRequest.id is None where the client sent none.
# A model that makes its answer with the id of its request (InferResponse(request.id, ...)) therefore answers such a request without an id.
# What happens: the model runs, the response is built, and then the server's own form of a response demands a text: the client gets 500
# with an error of pydantic's. With an id, the empty one among them, the same request is answered. kserve.utils.utils.get_predict_response
# does not show it, because it makes an id up.
#
# Output seen:
#   id "a": 200 [2.0, 5.0]
#   id "": 200 [2.0, 5.0]
#   no id: 500 ValidationError : 1 validation error for InferenceResponse
set -euo pipefail
folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check kserve==0.21.0 pydantic==2.14.1
cat > "$folder/serve.py" <<'PY'
import sys

from kserve import InferOutput, InferResponse, Model, ModelServer


class Twice(Model):
    def __init__(self):
        super().__init__("twice")
        self.ready = True

    async def predict(self, request, headers=None, response_headers=None):
        x = request.inputs[0]
        y = InferOutput("y", x.shape, x.datatype)
        y.set_data_from_numpy(x.as_numpy() * 2, binary_data=False)
        return InferResponse(request.id, self.name, [y])


ModelServer(http_port=int(sys.argv[1]), enable_grpc=False, workers=1).start([Twice()])
PY
cat > "$folder/ask.py" <<'PY'
import sys
import time

import requests

address = f"http://127.0.0.1:{sys.argv[1]}/v2"
deadline = time.monotonic() + 120
while True:
    try:
        requests.get(f"{address}/health/ready", timeout=5).raise_for_status()
        break
    except requests.RequestException:
        if time.monotonic() > deadline:
            raise
        time.sleep(0.2)
x = {"name": "x", "shape": [2], "datatype": "FP32", "data": [1, 2.5]}
for name, head in (('id "a"', {"id": "a"}), ('id ""', {"id": ""}), ("no id", {})):
    answer = requests.post(f"{address}/models/twice/infer", json={**head, "inputs": [x]}, timeout=30)
    body = answer.json()
    print(f"{name}: {answer.status_code}", body["outputs"][0]["data"] if answer.ok else body["error"].splitlines()[0])
PY
port=$("$folder/venv/bin/python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
"$folder/venv/bin/python" "$folder/serve.py" "$port" > "$folder/log" 2>&1 &
server=$!
"$folder/venv/bin/python" "$folder/ask.py" "$port" | tee "$folder/output"
diff "$folder/output" - <<'EXPECTED'
id "a": 200 [2.0, 5.0]
id "": 200 [2.0, 5.0]
no id: 500 ValidationError : 1 validation error for InferenceResponse
EXPECTED
