"""The real paddle_serving_server and paddle_serving_app 0.9.0, importable on current Python, protobuf and numpy.

Nothing is downloaded and no file of theirs is edited: an import hook repairs their modules while they are imported.
The same hook puts back what services of their time use of numpy and Pillow.
"""

import os
import sys
import tempfile
import warnings

from paddle_serving_runtime.serving_packages.finder import RepairingFinder
from paddle_serving_runtime.serving_packages.gpu_name import SecondNameFinder
from paddle_serving_runtime.serving_packages.old_names import RESTORED

_TRIP_WIRE = "/nonexistent/serving"


def install() -> None:
    """Makes `import paddle_serving_server` and `paddle_serving_app` work in this process; call it before either.

    Their writable folders are set to the temporary directory and their C++ server to a path that does not exist, so
    that nothing is ever downloaded, where the environment does not say otherwise. numpy and Pillow have the names that
    services of their time use, and numbers the look. `paddle_serving_server_gpu` is paddle_serving_server. What the
    compiler says of their source is not shown. May be called again.
    """
    for name in ("SERVING_HOME", "SERVING_LOG_PATH"):
        os.environ.setdefault(name, tempfile.gettempdir())
    os.environ.setdefault("SERVING_BIN", _TRIP_WIRE)
    # from Python 3.12 on, whoever compiles them first is told of escapes such as "\\-" in their docstrings
    warnings.filterwarnings("ignore", category=SyntaxWarning, module=r".*\bpaddle_serving_(server|app)\b")
    if not any(isinstance(finder, RepairingFinder) for finder in sys.meta_path):
        sys.meta_path[:0] = [RepairingFinder(), SecondNameFinder()]
    for name, restore in RESTORED.items():
        if name in sys.modules:
            restore(sys.modules[name])
