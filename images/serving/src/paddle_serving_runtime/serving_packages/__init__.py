"""The real paddle_serving_server and paddle_serving_app 0.9.0, importable on current Python, protobuf and numpy.

Nothing is downloaded and no file of theirs is edited: an import hook repairs their modules while they are imported.
"""

import os
import sys
import tempfile

from paddle_serving_runtime.serving_packages.finder import RepairingFinder

_TRIP_WIRE = "/nonexistent/serving"


def install() -> None:
    """Makes `import paddle_serving_server` and `paddle_serving_app` work in this process; call it before either.

    Their writable folders are set to the temporary directory and their C++ server to a path that does not exist, so
    that nothing is ever downloaded, where the environment does not say otherwise. May be called again.
    """
    for name in ("SERVING_HOME", "SERVING_LOG_PATH"):
        os.environ.setdefault(name, tempfile.gettempdir())
    os.environ.setdefault("SERVING_BIN", _TRIP_WIRE)
    if not any(isinstance(finder, RepairingFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, RepairingFinder())
