"""The peers: how each is started, which forms of a request it takes."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks import servers
from benchmarks.models import Model
from benchmarks.peers import forms
from benchmarks.peers.environments import ADAPTERS
from benchmarks.peers.forms import Form
from benchmarks.servers import Server

PORTS = (18780, 18790)
_METRICS_PORT = 18791
_PLACE = 3
_PICTURE_PLACE = 4


@dataclass(frozen=True, slots=True)
class Peer:
    """A server that takes `takes`.

    `environment` is a folder of adapters/, or None for this checkout's own. The first word of `command` is a program
    of that environment; `variables` are those of its process. `backend` is that of this project's server beside it,
    where the peer computes with another engine than Paddle's default.
    """

    name: str
    environment: str | None
    command: tuple[str, ...]
    variables: Mapping[str, str]
    takes: tuple[Form, ...]
    picture: bool = False
    backend: str = ""

    def server(self, programs: Path) -> Server:
        """With the programs of its environment, which lie in `programs`."""
        command = (str(programs / self.command[0]), *self.command[1:])
        return Server(self.name, command, PORTS, None, tuple(form.name for form in self.takes))


def product(model: Model, workers: int, flags: tuple[str, ...] = ()) -> Server:
    """This project's server, with further flags of `serve`; the one behind pictures has ports of its own."""
    place = _PICTURE_PLACE if model.name == "picture" else _PLACE
    return servers.runtime(model, "direct", workers, *flags, place=place)


def variables(files: Path, workers: int, engine: str = "paddle") -> dict[str, str]:
    """What the adapters read: the model, the engine, the ports; one thread for whatever would start more."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    return {
        **threads,
        "PYTHONPATH": str(ADAPTERS),
        "BENCH_MODEL": str(files),
        "BENCH_ENGINE": engine,
        "BENCH_WORKERS": str(workers),
        "BENCH_PORT": str(PORTS[0]),
        "BENCH_GRPC_PORT": str(PORTS[1]),
    }


def peers(files: Path, workers: int, work: Path) -> tuple[Peer, ...]:
    """All, on the model in `files`; what they want to write goes below `work`."""
    given = variables(files, workers)
    return (
        fastapi("FastAPI by hand", "fastapi", variables(files, workers), workers),
        replace(
            fastapi("FastAPI by hand, OpenVINO", "fastapi_openvino", variables(files, workers, "openvino"), workers),
            backend="OpenVINO",
        ),
        kserve(files, 1),
        Peer("LitServe", "litserve", ("python", _adapter("litserve", "server.py")), given, (forms.FLAT,)),
        bentoml(given, work),
        mlserver(given, workers),
        paddlex(files, work, workers),
        kserve(files, workers),
    )


def fastapi(name: str, environment: str, given: Mapping[str, str], workers: int) -> Peer:
    """The same file with either engine."""
    command = (
        *("uvicorn", "server:app", "--app-dir", _adapter("fastapi"), "--port", str(PORTS[0]), "--no-access-log"),
        *("--workers", str(workers), "--loop", "uvloop", "--http", "httptools", "--log-level", "warning"),
    )
    return Peer(name, environment, command, given, (forms.FLAT, forms.BYTES))


def kserve(files: Path, workers: int) -> Peer:
    """With one worker; more of them is what its documentation says for more cores."""
    takes = (forms.OIP_JSON, forms.OIP_BINARY, forms.OIP_GRPC)
    name = f"KServe, {workers} worker{'s' if workers > 1 else ''}"
    return Peer(name, "kserve", ("python", _adapter("kserve", "server.py")), variables(files, workers), takes)


def bentoml(given: Mapping[str, str], work: Path) -> Peer:
    """Its own folder of models, and no word to its makers."""
    more = {"BENTOML_HOME": str(work / "bentoml"), "BENTOML_DO_NOT_TRACK": "True"}
    command = ("bentoml", "serve", "service:Cls", "--working-dir", _adapter("bentoml"), "--port", str(PORTS[0]))
    return Peer("BentoML", "bentoml", command, {**given, **more}, (forms.NESTED,))


def mlserver(given: Mapping[str, str], workers: int) -> Peer:
    """The parallel workers are processes."""
    more = {
        "MLSERVER_HTTP_PORT": str(PORTS[0]),
        "MLSERVER_GRPC_PORT": str(PORTS[1]),
        "MLSERVER_METRICS_PORT": str(_METRICS_PORT),
        "MLSERVER_PARALLEL_WORKERS": str(workers),
        "MLSERVER_DEBUG": "false",
    }
    path = os.pathsep.join((str(ADAPTERS), _adapter("mlserver")))
    command = ("mlserver", "start", _adapter("mlserver"))
    return Peer(
        "MLServer", "mlserver", command, {**given, **more, "PYTHONPATH": path}, (forms.OIP_JSON, forms.OIP_GRPC)
    )


def paddlex(files: Path, work: Path, workers: int) -> Peer:
    """One process; its predictor gets a thread for each core."""
    folder = work / "paddlex-model"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(files, folder)
    shutil.copy(_adapter("paddlex", "inference.yml"), folder)
    pipeline = (ADAPTERS / "paddlex" / "pipeline.yml").read_text().replace("MODEL", str(folder))
    (work / "pipeline.yml").write_text(pipeline)
    more = {
        "PADDLE_PDX_CACHE_HOME": str(work / "paddlex"),
        "PADDLE_PDX_DISABLE_MODEL_SOURCE_CHECK": "True",
        "PADDLE_PDX_CPU_NUM_THREADS": str(workers),
    }
    command = (
        *("paddlex", "--serve", "--pipeline", str(work / "pipeline.yml"), "--device", "cpu"),
        *("--host", "127.0.0.1", "--port", str(PORTS[0])),
    )
    return Peer("PaddleX", "paddlex", command, more, (forms.PADDLEX,), picture=True)


def _adapter(*names: str) -> str:
    return str(ADAPTERS.joinpath(*names))
