"""Verifies a package's files beside whatever else a start takes."""

import asyncio
import threading
from contextlib import suppress

from paddle_serving_runtime.package import manifest
from paddle_serving_runtime.supervisor.settings import ServeSettings


def verify_files(settings: ServeSettings) -> asyncio.Future[None]:
    """Done when the files are those of `settings.digest`, at once without one; fails as `manifest.verify` does.

    In a thread that nobody waits for: whoever stops `serve` does not wait until a large package is read.
    """
    loop = asyncio.get_running_loop()
    verified: asyncio.Future[None] = loop.create_future()
    if not settings.digest:
        verified.set_result(None)
        return verified

    def tell(error: BaseException | None) -> None:
        if verified.done():
            return
        if error is None:
            verified.set_result(None)
        else:
            verified.set_exception(error)

    def verify() -> None:
        failure: BaseException | None = None
        try:
            manifest.verify(settings.model_dir, settings.digest)
        except BaseException as error:  # noqa: BLE001 - whatever it is, it ends the start
            failure = error
        with suppress(RuntimeError):  # the loop is closed where serve was stopped meanwhile
            loop.call_soon_threadsafe(tell, failure)

    threading.Thread(target=verify, name="verifying", daemon=True).start()
    return verified
