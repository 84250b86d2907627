#!/usr/bin/env bash
# perf-analyzer of PyPI (2.60.0, and the 0.1.0 that pip falls back to), pip 26.1: an installation that succeeds and has
# no program in it.
#
# The guess: where the wheels are built for a newer glibc than there is (2.38: Ubuntu 24.04), `pip install perf-analyzer`
# says that no distribution matches, as it does for other packages of one platform.
# What happens: the name was reserved with a pure Python wheel, 0.1.0, which matches everywhere. On Debian 12 (glibc
# 2.36) and Ubuntu 22.04 pip takes it without a word: exit status 0, an empty module, no perf_analyzer on PATH. Who then
# finds another perf_analyzer measures with that.
#
# Output seen:
#   manylinux_2_36_x86_64: perf_analyzer-0.1.0-py3-none-any.whl, nothing but ['perf_analyzer/__init__.py'] is in it
#   manylinux_2_38_x86_64: perf_analyzer-2.60.0-py3-none-manylinux_2_38_x86_64.whl, the program is in it
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pip==26.1
for platform in manylinux_2_36_x86_64 manylinux_2_38_x86_64; do
    "$folder/venv/bin/pip" download --quiet --disable-pip-version-check --no-deps --only-binary :all: \
        --platform "$platform" --dest "$folder/$platform" 'perf-analyzer<=2.60.0'
    "$folder/venv/bin/python" - "$folder/$platform" <<'PY'
import sys
import zipfile
from pathlib import Path

platform = Path(sys.argv[1])
(wheel,) = platform.iterdir()
names = [name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name]
inside = "the program is in it" if "perf_analyzer/bin/perf_analyzer" in names else f"nothing but {names} is in it"
print(f"{platform.name}: {wheel.name}, {inside}")
PY
done | tee "$folder/output"
diff "$folder/output" - <<'EXPECTED'
manylinux_2_36_x86_64: perf_analyzer-0.1.0-py3-none-any.whl, nothing but ['perf_analyzer/__init__.py'] is in it
manylinux_2_38_x86_64: perf_analyzer-2.60.0-py3-none-manylinux_2_38_x86_64.whl, the program is in it
EXPECTED
