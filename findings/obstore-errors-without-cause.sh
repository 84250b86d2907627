#!/usr/bin/env bash
# obstore 0.12.1: what went wrong is in no field of its errors, and not in their first line.
#
# The guess: one library for S3, Google Cloud Storage and Azure, which tells a host that does not exist from one that refuses the connection,
# and a bucket that does not exist from a key that is wrong, so that a person can be told what to correct.
# What happens: all of these are GenericError with one argument, a text. A connection that fails says "error sending request", whatever the
# reason; what a store refuses is an XML document in the middle of that text, after the whole address. Rust's debug output of the error follows.
#
# Beside minio 7.2.20, seen on 2026-12-01 on two busy cores: 16.0 MB installed, where minio takes 16.6 MB that nothing else in the runtime's image
# needs (15.4 MB of them pycryptodome); imported in 3 to 47 ms and 4 MB, minio in 400 to 800 ms and 16 MB; eight objects of 64 MB, eight at a time,
# from Versity's gateway on the same machine, three times in turns: 2.5 to 3.6 s and 0.6 to 1.0 s of CPU, minio 0.9 to 1.4 s and 0.4 to 0.5 s.
#
# Output seen:
#   no such host: GenericError: HTTP error: error sending request
#   nobody listens: GenericError: HTTP error: error sending request
#   no TLS there: GenericError: HTTP error: error sending request
#   NoSuchBucket: GenericError with fields: none
#   SignatureDoesNotMatch: GenericError with fields: none
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check obstore==0.12.1
cat > "$folder/errors.py" <<'PY'
import http.server
import threading

from obstore.store import S3Store


class Refusing(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = f"<Error><Code>{self.server.code}</Code><Message>no</Message></Error>".encode()
        self.send_response(403)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


def error_of(endpoint):
    options = {"client_options": {"allow_http": True}, "retry_config": {"max_retries": 0}}
    store = S3Store("models", endpoint=endpoint, region="us-east-1", skip_signature=True, **options)
    try:
        store.list("v1").collect()
    except Exception as error:
        return error
    raise SystemExit("nothing went wrong")


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Refusing)
threading.Thread(target=server.serve_forever, daemon=True).start()
address = f"127.0.0.1:{server.server_address[1]}"
unreachable = {"no such host": "http://nowhere.invalid", "nobody listens": "http://127.0.0.1:9", "no TLS there": f"https://{address}"}
for what, endpoint in unreachable.items():
    error = error_of(endpoint)
    print(f"{what}: {type(error).__name__}: {str(error).splitlines()[0].rpartition(' - ')[2].strip()}")
for server.code in ("NoSuchBucket", "SignatureDoesNotMatch"):
    error = error_of(f"http://{address}")
    assert len(error.args) == 1 and server.code in str(error)
    print(f"{server.code}: {type(error).__name__} with fields: {', '.join(vars(error)) or 'none'}")
PY
"$folder/venv/bin/python" "$folder/errors.py" | tee "$folder/output"
diff "$folder/output" - <<'EXPECTED'
no such host: GenericError: HTTP error: error sending request
nobody listens: GenericError: HTTP error: error sending request
no TLS there: GenericError: HTTP error: error sending request
NoSuchBucket: GenericError with fields: none
SignatureDoesNotMatch: GenericError with fields: none
EXPECTED
