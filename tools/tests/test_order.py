import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WANTED = ["test_tipc/tests/test_record_docs.py", "tools/tests/test_root.py", "operator/tests/integration/test_crowd.py"]


def test_the_longest_file_begins_first_and_those_with_an_api_server_last() -> None:
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *reversed(WANTED)]
    said = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    files = [line.partition("::")[0] for line in said.splitlines() if "::" in line]
    assert list(dict.fromkeys(files)) == WANTED
