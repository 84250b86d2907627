import asyncio
import socket
from pathlib import Path

import grpc

from paddle_serving_runtime.supervisor.admin import AdminServer, serve, server_config
from paddle_serving_runtime.supervisor.control.rest import ControlApp
from paddle_serving_runtime.supervisor.control.rpc import grpc_server
from paddle_serving_runtime.supervisor.control.state import State

HTTP_SOCKET = "control.sock"
GRPC_SOCKET = "control-grpc.sock"


class Control:
    """The two running servers."""

    def __init__(self, serving: asyncio.Task[None], rpc: grpc.aio.Server) -> None:
        self._serving = serving
        self._rpc = rpc

    async def close(self) -> None:
        """Stops both at once; streams that are watched end. May be called again."""
        self._serving.cancel()
        await asyncio.gather(self._serving, self._rpc.stop(grace=None), return_exceptions=True)


async def start_control(state: State, folder: Path) -> Control:
    """Answers on `folder`/control.sock (HTTP/1.1) and `folder`/control-grpc.sock (HTTP/2) from now to close().

    Raises OSError where a socket cannot be made.
    """
    listening = _listen(folder / HTTP_SOCKET)
    (folder / GRPC_SOCKET).unlink(missing_ok=True)
    rpc = grpc_server(state, folder / GRPC_SOCKET)
    await rpc.start()
    server = AdminServer(server_config(ControlApp(state), keep_alive_seconds=60, connections=256))
    return Control(asyncio.create_task(serve(server, listening)), rpc)


def _listen(path: Path) -> socket.socket:
    path.unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listening.bind(str(path))
        # else a request that comes before the server's task has run finds nobody
        listening.listen()
    except OSError:
        listening.close()
        raise
    return listening
