"""Repairs Paddle Serving's packages as soon as a program that was started by `python PROGRAM` imports one of them.

Python imports this module whenever it starts (paddle_serving_start.pth), so it imports nothing itself.
"""

import sys

PACKAGES = ("paddle_serving_server", "paddle_serving_server_gpu", "paddle_serving_app")


class Waiting:
    """Finds nothing itself; at the first of PACKAGES the repairing finder takes its place.

    A program that has called serving_packages.install() before, as the runtime does, never gets here.
    """

    def find_spec(self, fullname: str, _path: object = None, _target: object = None) -> object:
        """The specification of the repaired package of this name, None for all others."""
        if fullname not in PACKAGES:
            return None
        sys.meta_path.remove(self)  # type: ignore[arg-type]  # a finder of any class will do
        from importlib.util import find_spec  # noqa: PLC0415 - not before it is needed

        from paddle_serving_runtime import plain_refusal  # noqa: PLC0415 - the same

        plain_refusal.install()
        return find_spec(fullname)


sys.meta_path.insert(0, Waiting())  # type: ignore[arg-type]  # the same
