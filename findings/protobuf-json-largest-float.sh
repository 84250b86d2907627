#!/usr/bin/env bash
# protobuf 7.36.2 (Python, upb): the largest float32 does not survive protobuf's own JSON.
#
# One would guess that json_format.Parse reads whatever json_format.MessageToJson writes. A field of type float is
# written with the fewest digits that read back as the same float32, which for the largest one is 3.4028235e+38. As a
# double that is a little more than the largest float32, and the parser compares before it rounds: "Float value too
# large". Attention masks are full of this number, as numpy.finfo("float32").min. In quotes the same digits are read,
# and so is "1e39", as infinity and without a word; the Go parser in Paddle Serving's gateway reads the first and refuses
# the second, in quotes or not.
#
# Seen:
#   MessageToJson -> 3.4028235e+38
#   Parse 3.4028235e+38 -> Float value too large
#   Parse "3.4028235e+38" -> 3.4028234663852886e+38
#   Parse "1e39" -> inf
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check protobuf==7.36.2

"$folder/venv/bin/python" - <<'PYTHON' | tee "$folder/seen"
from google.protobuf import json_format
from google.protobuf.wrappers_pb2 import FloatValue

LARGEST = 3.4028234663852886e38
written = json_format.MessageToJson(FloatValue(value=LARGEST))
print("MessageToJson ->", written)
for text in (written, f'"{written}"', '"1e39"'):
    try:
        print("Parse", text, "->", json_format.Parse(text, FloatValue()).value)
    except json_format.ParseError as error:
        print("Parse", text, "->", str(error).partition(" at ")[0])
PYTHON

diff "$folder/seen" - <<'SEEN'
MessageToJson -> 3.4028235e+38
Parse 3.4028235e+38 -> Float value too large
Parse "3.4028235e+38" -> 3.4028234663852886e+38
Parse "1e39" -> inf
SEEN
