#!/usr/bin/env bash
# uv 0.13.9: `uv pip install` into another environment obeys what the project around the working directory overrides for itself.
#
# The guess: uv's pip commands know no project, as pip knows none: [tool.uv] of a pyproject.toml is for `uv lock` and `uv sync`, and what is
# installed by `uv pip install --python OTHER/bin/python` depends on the arguments alone.
# What happens: the nearest pyproject.toml further up counts. [[tool.uv.dependency-metadata]], there to mend one package's
# requirements for the project, takes them away in every environment that is made from a folder below it, by `uv pip install` and
# `uv pip compile` alike; nothing is said, and the package does not import. From elsewhere, or with --no-config, it does.
#
# Output seen:
#   below the project: resolved ['requests'], import: No module named 'urllib3'
#   elsewhere: resolved ['certifi', 'charset-normalizer', 'idna', 'requests', 'urllib3'], import: fine
#   below the project, --no-config: resolved ['certifi', 'charset-normalizer', 'idna', 'requests', 'urllib3'], import: fine
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check uv==0.13.9
mkdir -p "$folder/project/below" "$folder/elsewhere"
cat > "$folder/project/pyproject.toml" <<'TOML'
[project]
name = "project"
version = "1"

[[tool.uv.dependency-metadata]]
name = "requests"
version = "2.32.5"
requires-dist = []
TOML
uv="$folder/venv/bin/uv"
look() { # label, working directory, options of uv
    local label=$1 place=$2
    shift 2
    "$uv" venv --quiet --clear --no-config --python python3 "$folder/other"
    (cd "$place" && "$uv" "$@" pip install --quiet --python "$folder/other/bin/python" requests==2.32.5)
    echo requests==2.32.5 | (cd "$place" && "$uv" "$@" pip compile --quiet --no-annotate --no-header -) > "$folder/resolved"
    resolved=$(sed -n "s/^\([a-z0-9-]*\)==.*/'\1'/p" "$folder/resolved" | paste -sd, | sed 's/,/, /g')
    import=$("$folder/other/bin/python" -W ignore -c 'import requests; print("fine")' 2>&1 | tail -1 | sed 's/^[A-Za-z]*Error: //' || true)
    echo "$label: resolved [$resolved], import: $import"
}
{
    look "below the project" "$folder/project/below"
    look "elsewhere" "$folder/elsewhere"
    look "below the project, --no-config" "$folder/project/below" --no-config
} | tee "$folder/output"
diff "$folder/output" - <<'EXPECTED'
below the project: resolved ['requests'], import: No module named 'urllib3'
elsewhere: resolved ['certifi', 'charset-normalizer', 'idna', 'requests', 'urllib3'], import: fine
below the project, --no-config: resolved ['certifi', 'charset-normalizer', 'idna', 'requests', 'urllib3'], import: fine
EXPECTED
