import sys
from pathlib import Path

if sys.version_info < (3, 11):  # noqa: UP036  older ones would stop with a syntax error in another file, which explains nothing
    sys.exit("e2e/kind needs Python 3.11 or newer; this is %s. Start it with a newer python3." % sys.version.split()[0])  # noqa: UP031

# The repository instead of this folder: the modules are e2e.kind.*, here as in the tests.
sys.path[0] = str(Path(__file__).resolve().parents[2])

from e2e.kind.cli import main  # noqa: E402  needs the path above

sys.exit(main(sys.argv[1:]))
